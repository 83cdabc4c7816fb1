/** What `remove` may be told, and what of that a run that goes on. */
import type { CorpusFiles } from "../data/corpus.js";
import type { EngineOptions } from "../engine/engine.js";
import type { RunOptions } from "../options/run-options.js";
import type { RemovalOptions } from "./removal-input.js";

export interface RemoveOptions extends RemovalOptions, RunOptions, EngineOptions, Partial<CorpusFiles> {
  readonly model?: string | undefined;
  readonly corpus?: string | undefined;
  readonly prompt?: string | undefined;
  readonly out?: string | undefined;
}

/** What samples start with where nobody says. */
export const PROMPT = "The people of the United States";

/** What may change while a run goes on. */
export const REMOVAL_CHANGES = [
  "steps",
  "learningRate",
  "auxiliaryWeight",
  "gapFactor",
  "checkpointEvery",
] as const;
