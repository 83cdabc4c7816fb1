/**
 * The removal under way: which norms there are now, what is measured for those to come, what goes next. One way for
 * each pace (fixed.ts, taper.ts); the run asks it before and after every update. All that it knows is plain
 * data, so that a checkpoint holds it.
 */
import { POSITION_CLASSES } from "@normless/tensor";
import { pooled, updateStdAverage } from "@normless/layernorm";
import type { RemovalEvent } from "../events.js";
import type { StdAverages } from "../recipe/plan.js";
import type { RemovalRecipe } from "../recipe/recipe.js";
import type { PlannedModel } from "../recipe/sites.js";
import type { StepOptions, StepResult, Trainer } from "@normless/train";
import { stdsOf } from "./measuring.js";
import type { RemovalState } from "./state.js";

/** What a run asks before and after every update. */
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
  result: Pick<StepResult, "measured">,
  { constants: { from, special }, microBatchSize, blockSize }: AveragesRecipe,
): StdAverages {
  if (from.kind !== "training") return averages;
  const after = { ...averages };
  for (const microBatch of stdsOf(result)) {
    for (const [module, batch] of Object.entries(microBatch)) {
      const std = special === "none" ? pooled(batch) : batch;
      const share =
        POSITION_CLASSES.reduce((sum, name) => sum + std.count[name], 0) / (microBatchSize * blockSize);
      after[module] = updateStdAverage(after[module], std, from.keep ** share);
    }
  }
  return after;
}
