export { evaluateTokens, type EvaluateOptions, type TokenEvaluation } from "./evaluate.js";
export { batchNats, tokenNats } from "./nats.js";
export { logitsDifference, modelOutputs, relativeDifference, type Outputs } from "./outputs.js";
export { validationLoss, type BatchSizes, type ValidationOptions } from "./validation-loss.js";
export { SINK_SHARE } from "./activations/attention-sink.js";
export { ActivationMeter, type LayerAttention, type ModuleNorm } from "./activations/meters.js";
export { observe, type Observation } from "./activations/observe.js";
export { measureModel, measureStds } from "./activations/stds.js";
export type { CalibrationBin } from "./compare/calibration.js";
export { compareModels, type CompareOptions, type Comparison } from "./compare/compare.js";
export type { Histogram } from "./compare/histogram.js";
export type { Passage, PassageToken } from "./compare/passages.js";
export type { Both, PairEstimate } from "./compare/sequence-sums.js";
export {
  cellFigures,
  curveOf,
  positionFigures,
  wholeOf,
  type CellFigures,
  type CurvePoint,
  type KindFigures,
  type PositionFigures,
  type RangeFigures,
} from "./positions/position-figures.js";
export { measurePositions } from "./positions/position-loss.js";
export type {
  ByPosition,
  KindSums,
  PositionOptions,
  PositionSums,
  RangeSums,
  RowSums,
  StdsSeen,
} from "./positions/position-sums.js";
export {
  eotOf,
  positionRanges,
  rangeName,
  ROW_KINDS,
  rowKindNames,
  rowSet,
  rowTargets,
  type NotMeasured,
  type PositionRange,
  type Row,
  type RowKind,
  type RowSet,
  type RowSetOptions,
} from "./positions/row-kinds.js";
export {
  choiceTokens,
  cutRow,
  encodePair,
  scoreChoices,
  type ChoiceRow,
  type ChoiceScore,
  type CutRow,
} from "./tasks/choices.js";
export {
  gradeHellaswag,
  HELLASWAG_SCORINGS,
  hellaswagRows,
  type HellaswagGrades,
  type HellaswagItem,
  type HellaswagScoring,
} from "./tasks/hellaswag.js";
export { lambadaRow, scoreLastWords, type LastWordScore } from "./tasks/lambada.js";
