export type { GpuBackend } from "./backend.js";
export { gpu, type GpuMode, type GpuOptions } from "./gpu.js";
export type { WebGpuOptions } from "./webgpu/webgpu.js";
