export { type AttributedPart, type Attribution, attribute } from "./attribute.js";
export {
  type AttributionError,
  attributionError,
  type AttributionErrorOptions,
} from "./attribution-error.js";
export type { CalibrationBin } from "./calibration.js";
export { compareModels, type CompareOptions, type Comparison } from "./compare.js";
export type * from "./events.js";
export type { Histogram } from "./histogram.js";
export { checkMemory, stepBytes, type StepPlan } from "./memory.js";
export { logitsDifference, measureModel, sampleText, validationLoss } from "./measure.js";
export type { LayerAttention, ModuleNorm } from "./meters.js";
export type { Passage, PassageToken } from "./passages.js";
export { applyRemoval, checkPlan, describeRemoval, plan, type Removal, type StdAverages } from "./plan.js";
export {
  referenceRecipe,
  type RemovalRecipe,
  type RemovalSchedule,
  trainRecipe,
  type TrainRecipe,
  type TrainingRecipe,
} from "./recipe.js";
export type { Estimate } from "./resample.js";
export type { PartKind } from "./residual-parts.js";
export { removeLayerNorm, type RunInput } from "./run.js";
export type { Both, PairEstimate } from "./sequence-sums.js";
export { fingerprint, type RunState } from "./state.js";
export { Trainer, type StepResult } from "./trainer.js";
export { trainModel, type TrainEvent, type TrainInput, type TrainState } from "./train.js";
