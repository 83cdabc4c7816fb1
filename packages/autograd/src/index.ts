export {
  apply,
  compose,
  type Computed,
  constantBeside,
  numberBeside,
  type Result,
  tensorOf,
} from "./apply.js";
export type { Dims } from "./axes.js";
export { defineOp, type DifferentiableOp, type OpFunction, type OpRuleGiven } from "./define-op.js";
export { gradientCheck, type GradientMismatch } from "./gradient-check.js";
export { attention } from "./ops/attention.js";
export {
  add,
  clamp,
  div,
  eq,
  ge,
  gt,
  le,
  logicalAnd,
  logicalOr,
  lt,
  maskedFill,
  maximum,
  minimum,
  mul,
  ne,
  type Operand,
  pow,
  type ResultOf,
  sub,
  where,
} from "./ops/binary.js";
export { type Head, linearCrossEntropy, weightedCrossEntropy } from "./ops/cross-entropy.js";
export { type Teacher, weightedKlDivergence } from "./ops/kl-divergence.js";
export {
  type ConvolutionOptions,
  type Convolution1dOptions,
  conv1d,
  conv2d,
  type Padding,
} from "./ops/convolution.js";
export { type DotProductAttentionOptions, scaledDotProductAttention } from "./ops/dot-product-attention.js";
export { einsum } from "./ops/einsum.js";
export { scale, squaredDistance } from "./ops/elementwise.js";
export { embedding } from "./ops/embedding.js";
export { frozenNorm } from "./ops/frozen-norm.js";
export { gelu } from "./ops/gelu.js";
export { layerNorm, rmsNorm, rowStd } from "./ops/layer-norm.js";
export { linearGelu } from "./ops/linear-gelu.js";
export { linear } from "./ops/linear.js";
export {
  type CrossEntropyOptions,
  crossEntropy,
  type KlOptions,
  klDivergence,
  mse,
  type Reduction,
} from "./ops/losses.js";
export { matmul, type Transposed } from "./ops/products.js";
export { bernoulli, type Draw, dropout, init, normal, permutation, uniform } from "./ops/random.js";
export {
  all,
  any,
  argmax,
  argmin,
  cumsum,
  type Keep,
  logSoftmax,
  logSumExp,
  max,
  mean,
  min,
  prod,
  softmax,
  sort,
  type Sorted,
  type SpreadOptions,
  std,
  sum,
  variance,
} from "./ops/reductions.js";
export { type Filling, pad } from "./ops/pad.js";
export {
  concat,
  expand,
  flip,
  permute,
  reshape,
  roll,
  slice,
  type SliceOptions,
  split,
  squeeze,
  stack,
  transpose,
  unsqueeze,
} from "./ops/shape.js";
export {
  abs,
  cast,
  ceil,
  cos,
  erf,
  exp,
  expm1,
  floor,
  isFinite,
  isNaN,
  log,
  log1p,
  logicalNot,
  neg,
  reciprocal,
  relu,
  round,
  rsqrt,
  sigmoid,
  sign,
  silu,
  sin,
  softplus,
  sqrt,
  square,
  tanh,
} from "./ops/unary.js";
export { arange, gather, indexSelect, oneHot, scatterAdd, tril, triu } from "./ops/indexing.js";
export { stdSpread } from "./ops/std-spread.js";
export { topk } from "./ops/topk.js";
export { recompute } from "./recompute.js";
export { type Backward, Gradients, Tape, type Value, Variable } from "./tape.js";
export {
  detach,
  evaluate,
  grad,
  type Parameters,
  valueAndGrad,
  type Variables,
  vjp,
} from "./value-and-grad.js";
