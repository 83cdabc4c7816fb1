import { afterAll, beforeAll, describe, it } from "vitest";
import { gpuBackend } from "../../packages/tensor/src/gpu/backend.js";
import { gpu, type GpuBackend, kernels } from "../../packages/tensor/src/gpu/index.js";
import { openDevice } from "../../packages/tensor/src/gpu/webgpu/device.js";
import { WebGpuExecutor } from "../../packages/tensor/src/gpu/webgpu/executor.js";
import { wgslKernels } from "../../packages/tensor/src/gpu/wgsl/index.js";
import { cpuTuning, gpuTuning } from "../../packages/tensor/src/gpu/wgsl/tuning.js";
import { conformance } from "../../packages/tensor/src/testing/index.js";
import { useSwiftShader } from "./vulkan.js";

useSwiftShader();

/** Rows as a GPU has them, on any adapter. Its products are in product.test.ts: they take SwiftShader long to compile. */
async function asOnGpu(): Promise<GpuBackend> {
  const tuning = { ...gpuTuning, products: cpuTuning.products };
  const executor = new WebGpuExecutor(await openDevice());
  return gpuBackend(executor, { ...kernels, ...wgslKernels(tuning) });
}
const hasRows = /Norm|rowStd|CrossEntropy/;

describe.each([
  { name: "kernels in WGSL", open: () => gpu({ mode: "webgpu", webgpu: { tune: false } }), of: /./ },
  { name: "kernels in WGSL, as on a GPU", open: asOnGpu, of: hasRows },
  { name: "kernels of gpu.js", open: () => gpu({ mode: "webgpu", webgpu: { overrides: false } }), of: /./ },
])("webgpu, $name", ({ open, of }) => {
  let backend: GpuBackend;
  beforeAll(async () => {
    backend = await open();
  });
  afterAll(() => backend.dispose());

  for (const check of conformance().filter(({ kernel }) => of.test(kernel))) {
    it(check.name, () => check.run(backend));
  }
});
