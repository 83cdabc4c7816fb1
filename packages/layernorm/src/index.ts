export {
  applyNorm,
  foldedNorm,
  frozenNorm,
  isUniform,
  type Norm,
  type NormOperands,
  parseNorm,
  sameNorm,
  standardNorm,
  taperedNorm,
  withClassConstant,
} from "./norm.js";
export { type PositionOptions, positionClasses } from "./positions.js";
export {
  type BatchStd,
  frozenStd,
  type MeasuredStd,
  measureStd,
  pooled,
  readStd,
  type StdAverage,
  updateStdAverage,
} from "./std.js";
export {
  meanOf,
  type MeasuredTaper,
  measureTaper,
  type MovingMean,
  type TaperAverage,
  taperGate,
  taperStd,
  updateMovingMean,
} from "./taper.js";
export {
  centreColumns,
  centreRows,
  centreVector,
  type ColumnRange,
  foldIntoHead,
  foldIntoLinear,
  type FrozenParameters,
  type HeadWeights,
  type LinearWeights,
  type Matrix,
  scaleIntoHead,
  scaleIntoLinear,
} from "./fold.js";
