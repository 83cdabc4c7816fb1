export type * from "./events.js";
export { checkMemory, stepBytes, type StepPlan } from "./memory.js";
export { logitsDifference, measureModel, sampleText, validationLoss } from "./measure.js";
export { modelOutputs, type Outputs, relativeDifference } from "./outputs.js";
export { applyRemoval, checkPlan, describeRemoval, plan, type Removal, type StdAverages } from "./plan.js";
export {
  referenceRecipe,
  type RemovalRecipe,
  type RemovalSchedule,
  trainRecipe,
  type TrainRecipe,
  type TrainingRecipe,
} from "./recipe.js";
export { removeLayerNorm, type RunInput } from "./run.js";
export { fingerprint, type RunState } from "./state.js";
export { Trainer, type StepResult } from "./trainer.js";
export { trainModel, type TrainEvent, type TrainInput, type TrainState } from "./train.js";
