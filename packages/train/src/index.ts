export type { ProgressEvent, TrainingStep } from "./events.js";
export { fingerprint } from "./fingerprint.js";
export { checkMemory, checkMoments, fitsBeside, stepBytes, type StepPlan } from "./memory.js";
export type { StepResult } from "./step-result.js";
export { timeTraining, type TimedTraining, type Timings } from "./time-training.js";
export { trainModel, type TrainEvent, type TrainInput, type TrainState } from "./train.js";
export {
  DIVERGED_ADVICE,
  DivergedError,
  Trainer,
  type Measure,
  type Passing,
  type StepOptions,
  type TrainerOptions,
  type TrainerState,
} from "./trainer.js";
export type { Validate, ValidationSizes } from "./validate.js";
export {
  allowed,
  changedFields,
  changeTraining,
  describeChange,
  TRAINING_FIELDS,
  trainingChanges,
  type ChangedField,
  type TrainingChange,
} from "./recipe/change-recipe.js";
export { checkCounts, checkRecipe, RecipeError, type Corpus } from "./recipe/check-recipe.js";
export { MOST_OF_RECIPE, MOST_TOKENS_OF_UPDATE } from "./recipe/most.js";
export { adamW, plainRows, seed } from "./recipe/optimizer.js";
export type { TrainingRecipe, TrainRecipe } from "./recipe/recipe.js";
export {
  rateScalings,
  scaleRate,
  type RateChange,
  type RateScaling,
  type ScaledRate,
} from "./recipe/scale-rate.js";
export {
  asked,
  describeRows,
  scaleTraining,
  sized,
  trainingNotes,
  type RecipeSize,
  type Scaled,
} from "./recipe/scale-recipe.js";
export { trainRecipe } from "./recipe/train-recipe.js";
