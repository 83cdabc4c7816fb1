export {
  type ChoiceRow,
  type ChoiceScore,
  choiceTokens,
  type CutRow,
  cutRow,
  encodePair,
  scoreChoices,
} from "./choices.js";
export { type EvaluateOptions, evaluateTokens, type TokenEvaluation } from "./evaluate.js";
export type * from "./events.js";
export {
  gradeHellaswag,
  HELLASWAG_SCORINGS,
  type HellaswagGrades,
  type HellaswagItem,
  hellaswagRows,
  type HellaswagScoring,
} from "./hellaswag.js";
export { lambadaRow, type LastWordScore, scoreLastWords } from "./lambada.js";
export { checkMemory, stepBytes, type StepPlan } from "./memory.js";
export { logitsDifference, measureModel, sampleText, validationLoss } from "./measure.js";
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
export {
  Bootstrap,
  type BootstrapOptions,
  type Groups,
  type Interval,
  type MeanEstimate,
  meanOf,
  quantiles,
} from "./statistics.js";
export { Trainer, type StepResult } from "./trainer.js";
export { trainModel, type TrainEvent, type TrainInput, type TrainState } from "./train.js";
