/**
 * The removal under way: which norms there are now, what is measured for those to come, what goes next. One way for
 * each pace (fixed.ts, taper.ts); the run asks it before and after every update. All that it knows is plain
 * data, so that a checkpoint holds it.
 */
import type { NormTable } from "@normless/gpt2";
import { POSITION_CLASSES } from "@normless/tensor";
import { pooled, type TaperAverage, updateStdAverage, type MovingMean } from "@normless/layernorm";
import type { RemovalEvent } from "../events.js";
import type { StdAverages } from "../plan.js";
import type { RemovalRecipe } from "../recipe.js";
import type { PlannedModel } from "../sites.js";
import type { StepResult } from "../step-result.js";
import type { StepOptions, Trainer } from "../trainer.js";

/** What a taper has measured so far, and what it found. */
export interface TaperState {
  /** By norm module. */
  readonly calibration: Readonly<Record<string, TaperAverage>>;
  /** Mean std before ln_f, over updates. */
  readonly scale?: MovingMean | undefined;
}

export interface RemovalState {
  readonly norms: NormTable;
  readonly averages: StdAverages;
  /** Tokens looked at to measure what removals cost; none of them is trained on there. */
  readonly probedTokens: number;
  readonly taper?: TaperState | undefined;
}

export interface Removing {
  readonly state: RemovalState;
  /** Whether something happens before the update of that step, so that it must know all updates before. */
  due(step: number): boolean;
  /** What happens before the coming update. */
  before(trainer: Trainer): Promise<readonly RemovalEvent[]>;
  /** How to do that update. */
  options(step: number): StepOptions;
  /** Learns from an update that was done: maybe not the last one, unless the coming one is due. */
  after(result: StepResult): void;
}

/** What every pace is given. */
export interface RemovalContext {
  readonly recipe: RemovalRecipe;
  /** As the run began. */
  readonly model: PlannedModel;
  readonly train: Uint16Array;
  readonly state: RemovalState;
}

type AveragesRecipe = Pick<RemovalRecipe, "constants" | "microBatchSize" | "blockSize">;

/**
 * The moving means after an update: one step a micro-batch, a smaller one for a micro-batch with fewer tokens, over all
 * tokens as one class where a recipe has no others.
 */
export function updateAverages(
  averages: StdAverages,
  { stds }: Pick<StepResult, "stds">,
  { constants: { from, special }, microBatchSize, blockSize }: AveragesRecipe,
): StdAverages {
  if (from.kind !== "training") return averages;
  const after = { ...averages };
  for (const microBatch of stds) {
    for (const [module, batch] of Object.entries(microBatch)) {
      const std = special === "none" ? pooled(batch) : batch;
      const share =
        POSITION_CLASSES.reduce((sum, name) => sum + std.count[name], 0) / (microBatchSize * blockSize);
      after[module] = updateStdAverage(after[module], std, from.keep ** share);
    }
  }
  return after;
}
