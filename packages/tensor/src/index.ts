export { type Backend, type InputsOf, type MemoryUse, type OutputsOf, Tensor } from "./backend.js";
export { Blocks } from "./blocks.js";
export { broadcastShapes, broadcastStrides } from "./broadcast.js";
export { fromBFloat16, toBFloat16 } from "./bfloat16.js";
export { bytesOf, type DType, dtypeOf, type TensorData, type TensorSpec, toDType } from "./dtype.js";
export { dry } from "./dry.js";
export { BackendError, DeviceLostError, ShapeError } from "./errors.js";
export {
  type AttributesOf,
  type Contracts,
  contracts,
  type KernelName,
  kernelNames,
} from "./kernels/index.js";
export type { AdamWAttributes } from "./kernels/adamw.js";
export { adamwCoefficients } from "./kernels/adamw.js";
export type { AttentionAttributes } from "./kernels/attention.js";
export { type BinaryOp, binaryOperators } from "./kernels/binary.js";
export type { Contract, Operands, View } from "./kernels/contract.js";
export type { FrozenNormAttributes } from "./kernels/frozen-norm.js";
export { stdByClass } from "./kernels/frozen-norm.js";
export type { GeluAttributes } from "./kernels/gelu.js";
export type { EpsAttributes } from "./kernels/layer-norm.js";
export type { Columns, LinearAttributes } from "./kernels/linear.js";
export { type PerClass, type PositionClass, POSITION_CLASSES } from "./kernels/position-class.js";
export { type ReduceOp, reduceOperators } from "./kernels/reduce.js";
export { type UnaryOp, unaryOperators } from "./kernels/unary.js";
export type { NestedArray } from "./nested.js";
export { type AnyOp, op, type Op, type OpBuild, sayOnHost } from "./op.js";
export { planOp, planRun, type RunPlan } from "./run.js";
export { reference } from "./reference.js";
export { lastDim, rowsOf, sameShape, type Shape, showShape, sizeOf, stridesOf } from "./shape.js";
export { enroll, scope, withdraw } from "./scope.js";
export { show } from "./show.js";
export { checkReshape, checkUpload, checkWrite, tensor, zeros } from "./tensor.js";
