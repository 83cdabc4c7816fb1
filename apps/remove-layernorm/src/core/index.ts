export {
  firstPositionOf,
  forwardTokens,
  type TimedTraining,
  timeTraining,
  type Timings,
} from "./estimate.js";
export type * from "./events.js";
export {
  describeFirstPosition,
  laterAttention,
  measureFirstPosition,
  SINK_RATIO,
  sinkWarning,
} from "./first-position.js";
export {
  type ChangedField,
  changeRemoval,
  changeTraining,
  describeChanges,
  type Moment,
  type RecipeChange,
  removalChanges,
  type TrainingChange,
  trainingChanges,
} from "./change-recipe.js";
export { checkRecipe, RecipeError } from "./check-recipe.js";
export { describeControl } from "./control.js";
export { GONE_NATS, LossWatch, type Onset } from "./loss-watch.js";
export { checkMemory, fitsBeside, stepBytes, type StepPlan } from "./memory.js";
export {
  applyRemoval,
  checkConstants,
  checkPlan,
  describeRemoval,
  frozenAt,
  plan,
  type Removal,
  type StdAverages,
} from "./plan.js";
export {
  controlSteps,
  type ConstantsRecipe,
  type FailsOnSink,
  type FixedPace,
  type Pace,
  type RemovalLoss,
  removalLosses,
  type RemovalRecipe,
  specialConstants,
  type SpecialConstants,
  type TaperPace,
  type TrainRecipe,
  type TrainingRecipe,
} from "./recipe.js";
export { distilledRecipe, removalRecipes, trainRecipe } from "./recipes/index.js";
export { COST_SEQUENCES, NO_NUMBER } from "./removing/cost.js";
export type { RemovalState, TaperState } from "./removing/index.js";
export { type ControlResult, removeLayerNorm, type RunInput } from "./run.js";
export { type RateChange, type RateScaling, rateScalings, type ScaledRate, scaleRate } from "./scale-rate.js";
export {
  describePace,
  describeRows,
  type RecipeSize,
  removalNotes,
  scaleRecipe,
  type Scaled,
  scaleTraining,
  trainingNotes,
} from "./scale-recipe.js";
export { describeSites, type Extent, extentOf, matchSites, type PlannedModel, sitesToGo } from "./sites.js";
export { fingerprint, type RunState } from "./state.js";
export type { StepResult } from "./step-result.js";
export { DivergedError, Trainer, type TrainerState } from "./trainer.js";
export { type Spread, spreadOf, worstSpike } from "./sweep.js";
export { trainModel, type TrainEvent, type TrainInput, type TrainState } from "./train.js";
