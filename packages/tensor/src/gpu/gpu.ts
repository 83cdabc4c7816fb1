/** The door to the GPU: one mode, asked for by name. A mode that cannot run is an error, never another one. */
import { gpuBackend, type GpuBackend } from "./backend.js";
import { gpujsExecutor } from "./gpujs/executor.js";
import type { GpuJsMode } from "./gpujs/library.js";

export type GpuMode = GpuJsMode;

export interface GpuOptions {
  /**
   * webgl2: browsers without WebGPU. headlessgl: Node, with the optional native package gl. webasm: anywhere, to test
   * kernels without a GPU. cpu: plain JavaScript in float64, which proves nothing about a GPU.
   */
  readonly mode: GpuMode;
}

/** @throws BackendError when gpu.js is not installed or the mode cannot run here, with the reason. */
export async function gpu({ mode }: GpuOptions): Promise<GpuBackend> {
  return gpuBackend(await gpujsExecutor(mode));
}
