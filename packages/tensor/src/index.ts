export type { Backend, MemoryUse } from "./backend.js";
export { dry } from "./dry.js";
export { BackendError, DeviceLostError, ShapeError } from "./errors.js";
export {
  type AttributesOf,
  type Contracts,
  contracts,
  type InputsOf,
  type KernelName,
  kernelNames,
  type OutputsOf,
} from "./kernels/index.js";
export type { AdamWAttributes } from "./kernels/adamw.js";
export { adamwCoefficients } from "./kernels/adamw.js";
export type { AttentionAttributes } from "./kernels/attention.js";
export type { Contract, Operands, View } from "./kernels/contract.js";
export type { FrozenNormAttributes } from "./kernels/frozen-norm.js";
export { stdByClass } from "./kernels/frozen-norm.js";
export type { GeluAttributes } from "./kernels/gelu.js";
export type { EpsAttributes } from "./kernels/layer-norm.js";
export type { Columns, LinearAttributes } from "./kernels/linear.js";
export { type PerClass, type PositionClass, POSITION_CLASSES } from "./kernels/position-class.js";
export { planRun, type RunPlan } from "./run.js";
export { reference } from "./reference.js";
export { lastDim, rowsOf, sameShape, type Shape, showShape, sizeOf } from "./shape.js";
export {
  checkUpload,
  checkWrite,
  type DType,
  type NestedArray,
  Tensor,
  type TensorData,
  type TensorSpec,
  tensor,
  zeros,
} from "./tensor.js";
