/** The door to the GPU: one mode, asked for by name. A mode that cannot run is an error, never another one. */
import { gpuBackend, type GpuBackend } from "./backend.js";
import { gpujsExecutor } from "./gpujs/executor.js";
import type { GpuJsMode } from "./gpujs/library.js";
import { kernels } from "./kernels/index.js";
import { webgpu, type WebGpuOptions } from "./webgpu/webgpu.js";

/** webgpu, or one of gpu.js's: webgl2, headlessgl, webasm, cpu. `GpuOptions` says where each runs. */
export type GpuMode = "webgpu" | GpuJsMode;

/** What `gpu` runs on. */
export interface GpuOptions {
  /**
   * webgpu: browsers, and Node with the npm package webgpu; the fast one. webgl2: browsers without WebGPU. headlessgl: Node,
   * with the optional native package gl. webasm: anywhere, to test kernels without a GPU. cpu: plain JavaScript in
   * float64, which proves nothing about a GPU.
   */
  readonly mode: GpuMode;
  /** Of mode webgpu only. */
  readonly webgpu?: WebGpuOptions;
}

/** @throws BackendError when what the mode needs is not installed or it cannot run here, with the reason. */
export async function gpu({ mode, webgpu: options }: GpuOptions): Promise<GpuBackend> {
  if (mode !== "webgpu") return gpuBackend(await gpujsExecutor(mode));
  const { executor, overrides } = await webgpu(options);
  return gpuBackend(executor, { ...kernels, ...overrides });
}
