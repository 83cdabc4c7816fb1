/** What `train` may be told, and what of that a training that goes on. */
import type { WeightDtype } from "@normless/gpt2";
import type { RateScaling } from "@normless/train";
import type { CorpusFiles } from "../data/corpus.js";
import type { EngineOptions } from "../engine/engine.js";
import type { RunOptions } from "../options/run-options.js";
import type { RecipeOptions } from "../remove/recipes.js";
import type { StartOptions } from "./train-start.js";

export interface TrainOptions
  extends RecipeOptions, StartOptions, RunOptions, EngineOptions, Partial<CorpusFiles> {
  readonly corpus?: string | undefined;
  readonly recipe?: string | Record<string, unknown> | undefined;
  readonly scaleLearningRate?: RateScaling | undefined;
  readonly out?: string | undefined;
  readonly dtype?: WeightDtype | undefined;
}

/** What may change while a training goes on. */
export const TRAINING_CHANGES = ["steps", "learningRate", "checkpointEvery"] as const;
