/** Everything that a stopped run needs to go on with the same bits. Plain data: numbers, strings, typed arrays. */
import type { Phase } from "./phase.js";
import type { RemovalRecipe } from "./recipe/recipe.js";
import type { RemovalState } from "./removing/state.js";
import type { TrainerState } from "@normless/train";
import type { Sums } from "./validation/sums.js";

/** Where a run stands. */
export interface RunState extends TrainerState {
  readonly version: 1;
  /** Which weights the run started from. */
  readonly fingerprint: string;
  readonly recipe: RemovalRecipe;
  readonly phase: Phase;
  /** Updates done in this phase. */
  readonly step: number;
  readonly removal: RemovalState;
  /** The control's loss at each of its updates so far. */
  readonly controlLosses: readonly number[];
  /** What the models validated so far came to, row by row: what intervals are made from. */
  readonly validation: Sums;
  /** The look at the validation set after this step is still to be done. */
  readonly lookDue?: boolean | undefined;
}
