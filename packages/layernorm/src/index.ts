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
  withClassConstant,
} from "./norm.js";
export { type PositionOptions, positionClasses } from "./positions.js";
export {
  type BatchStd,
  frozenStd,
  keepFor,
  type MeasuredStd,
  measureStd,
  readStd,
  readStds,
  type StdAverage,
  updateStdAverage,
} from "./std.js";
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
