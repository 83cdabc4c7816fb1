export { gpuBackend, type GpuBackend } from "./backend.js";
export { gpu, type GpuMode, type GpuOptions } from "./gpu.js";
export { type Builds, kernels } from "./kernels/index.js";
export type { Build, Executor, JsPass, Operand, Program, Result, WgslPass } from "./program.js";
export type { GivenDevice } from "./webgpu/given-device.js";
export { webgpu, type WebGpu, type WebGpuOptions } from "./webgpu/webgpu.js";
