/** sweep.json: what a sweep is of, which keeps another one out of its folder, and what became of each run. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "@normless/safetensors/node";
import { checkJson, readJson } from "../json/json.js";
import { engineFields, removalRecipeSchema } from "../json/schemas.js";

export const SWEEP_JSON = "sweep.json";
export const SWEEP_MARKDOWN = "sweep.md";
export const SWEEP_PAGE = "sweep.html";
export const SWEEP_FILES = [SWEEP_JSON, SWEEP_MARKDOWN, SWEEP_PAGE];

const { threads: _threads, ...bits } = engineFields;
/** Options that decide a run's bits, or what it writes, besides model, data and recipe. */
const manner = z.strictObject({ prompt: z.string().optional(), ...bits });

/** A recipe on a model. */
const arm = z.strictObject({
  /** The model as the sweep calls it, and its recipe's name. */
  model: z.string(),
  recipe: z.string(),
  /** SHA-256 of the files of the model's weights. */
  weights: z.array(z.string()),
  /** SHA-256 of the tokens. */
  data: z.strictObject({ train: z.string(), validation: z.string() }),
  /** Whole; each run has a seed of its own. */
  fields: removalRecipeSchema.omit({ seed: true }),
});

export const RUN_STATES = ["finished", "stopped", "diverged", "failed", "to come"] as const;
const run = z.looseObject({
  model: z.string(),
  recipe: z.string(),
  seed: z.int(),
  /** In the sweep's. */
  folder: z.string(),
  state: z.enum(RUN_STATES),
  /** Why it did not come to its end. */
  error: z.string().optional(),
});

const recordSchema = z.looseObject({
  manner,
  arms: z.array(arm),
  runs: z.array(run),
});

export type Manner = z.infer<typeof manner>;
export type Arm = z.infer<typeof arm>;
export type RunState = (typeof RUN_STATES)[number];

/** A run of a sweep, wherever it stands. */
export interface SweepRun {
  readonly model: string;
  readonly recipe: string;
  readonly seed: number;
  readonly folder: string;
  readonly state: RunState;
  readonly error?: string | undefined;
}

export interface SweepRecord {
  readonly manner: Manner;
  readonly arms: readonly Arm[];
  readonly runs: readonly SweepRun[];
}

/** What a folder holds of a sweep; undefined where it holds none. @throws UsageError when its sweep.json is none */
export async function readRecord(folder: string): Promise<SweepRecord | undefined> {
  const path = join(folder, SWEEP_JSON);
  if (!existsSync(path)) return undefined;
  const { manner, arms, runs } = checkJson(path, recordSchema, await readJson(path));
  const plain = runs.map(({ model, recipe, seed, folder: place, state, error }): SweepRun => {
    return { model, recipe, seed, folder: place, state, ...(error !== undefined && { error }) };
  });
  return { manner, arms, runs: plain };
}

export async function writeText(folder: string, name: string, text: string): Promise<void> {
  await writeFileAtomic(join(folder, name), [new TextEncoder().encode(text)]);
}
