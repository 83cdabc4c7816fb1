export {
  type ChoiceRow,
  type ChoiceScore,
  choiceTokens,
  type CutRow,
  cutRow,
  encodePair,
  scoreChoices,
} from "./choices.js";
export {
  firstPositionOf,
  forwardTokens,
  type TimedTraining,
  timeTraining,
  type Timings,
} from "./estimate.js";
export { type EvaluateOptions, evaluateTokens, type TokenEvaluation } from "./evaluate.js";
export type * from "./events.js";
export {
  describeFirstPosition,
  laterAttention,
  measureFirstPosition,
  SINK_RATIO,
  sinkWarning,
} from "./first-position.js";
export {
  gradeHellaswag,
  HELLASWAG_SCORINGS,
  type HellaswagGrades,
  type HellaswagItem,
  hellaswagRows,
  type HellaswagScoring,
} from "./hellaswag.js";
export { lambadaRow, type LastWordScore, scoreLastWords } from "./lambada.js";
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
export { logitsDifference, modelOutputs, type Outputs, relativeDifference } from "./outputs.js";
export { promptIds, sampleText } from "./sample-text.js";
export { measureModel, measureStds } from "./stds.js";
export { type BatchSizes, validationLoss, validationPart } from "./validation-loss.js";
export { type AttributedPart, type Attribution, attribute } from "./attribute.js";
export {
  type AttributionError,
  attributionError,
  type AttributionErrorOptions,
} from "./attribution-error.js";
export type { CalibrationBin } from "./calibration.js";
export { compareModels, type CompareOptions, type Comparison } from "./compare.js";
export type { Histogram } from "./histogram.js";
export type { LayerAttention, ModuleNorm } from "./meters.js";
export type { Passage, PassageToken } from "./passages.js";
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
export {
  type CellFigures,
  type CurvePoint,
  type KindFigures,
  type PositionFigures,
  positionFigures,
  type RangeFigures,
} from "./position-figures.js";
export {
  type ByPosition,
  type KindSums,
  measurePositions,
  type PositionOptions,
  type PositionSums,
  type RangeSums,
} from "./position-loss.js";
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
export {
  eotOf,
  type NotMeasured,
  type PositionRange,
  positionRanges,
  rangeName,
  ROW_KINDS,
  type Row,
  type RowKind,
  rowKindNames,
  type RowSet,
  rowSet,
  type RowSetOptions,
  rowTargets,
} from "./row-kinds.js";
export type { PartKind } from "./residual-parts.js";
export { describeSites, type Extent, extentOf, matchSites, type PlannedModel, sitesToGo } from "./sites.js";
export type { Both, PairEstimate } from "./sequence-sums.js";
export { fingerprint, type RunState } from "./state.js";
export type { StepResult } from "./step-result.js";
export { DivergedError, Trainer, type TrainerState } from "./trainer.js";
export {
  Bootstrap,
  type BootstrapOptions,
  type Estimate,
  type Groups,
  type Interval,
  meanOf,
  quantiles,
} from "./statistics.js";
export { type Spread, spreadOf, worstSpike } from "./sweep.js";
export { trainModel, type TrainEvent, type TrainInput, type TrainState } from "./train.js";
