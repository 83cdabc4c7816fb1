/** WebGPU as an executor with its overrides: one device, and which kernels are ours. */
import { BackendError } from "../../errors.js";
import type { Executor } from "../program.js";
import { type Overrides, wgslKernels } from "../wgsl/kernels/index.js";
import { cpuTuning, gpuTuning } from "../wgsl/tuning.js";
import { tune } from "./autotune.js";
import { openDevice } from "./device.js";
import { WebGpuExecutor } from "./executor.js";
import type { GivenDevice } from "./given-device.js";
import { loadTranslator } from "./gpujs.js";

/** Which WebGPU device a backend runs on, and how it is suited to it. */
export interface WebGpuOptions {
  /** A device of the caller's, who keeps it; default: the best adapter's, with its limits raised. */
  readonly device?: GivenDevice;
  /** Kernels written by hand in WGSL where there are any, the default; false runs those of gpu.js only. */
  readonly overrides?: boolean;
  /** Measure at the start what is fastest on this adapter, the default; else a usual choice. The bits are the same. */
  readonly tune?: boolean;
  /**
   * Matrix products read their weights as float16, which have 11 bits and are at most 65504, and add up in float32; default
   * false. Weights, gradients and the optimiser stay float32. A weight takes half as much memory again.
   */
  readonly f16?: boolean;
}

/** A device as `gpuBackend` takes it. */
export interface WebGpu {
  readonly executor: Executor<{ readonly bytes: number }>;
  /** Kernels that stand for those of gpu.js. */
  readonly overrides: Overrides;
}

/** @throws BackendError when there is no WebGPU, no adapter, or gpu.js is needed and missing. */
export async function webgpu({
  device,
  overrides = true,
  tune: measure = true,
  f16 = false,
}: WebGpuOptions = {}): Promise<WebGpu> {
  const opened = await openDevice(device);
  const { adapter } = opened;
  if (!overrides) {
    if (f16)
      throw new BackendError("webgpu: f16 is for the kernels in WGSL, which overrides: false leaves out");
    const executor = new WebGpuExecutor(
      opened,
      `webgpu, ${adapter}, kernels of gpu.js`,
      await loadTranslator(),
    );
    return { executor, overrides: {} };
  }
  // Every kernel has its WGSL, so gpu.js is not needed.
  const weights = f16 ? ", weights in float16" : "";
  const executor = new WebGpuExecutor(opened, `webgpu, ${adapter}, kernels in WGSL${weights}`);
  const usual = opened.fallback ? cpuTuning : gpuTuning;
  const tuning = measure ? await tune(executor, usual, opened) : usual;
  return { executor, overrides: wgslKernels({ ...tuning, f16 }) };
}
