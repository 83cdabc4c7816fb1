import { describe } from "vitest";
import { gpuBackend } from "../../packages/tensor/src/gpu/backend.js";
import { gpu, type GpuBackend, kernels } from "../../packages/tensor/src/gpu/index.js";
import { openDevice } from "../../packages/tensor/src/gpu/webgpu/device.js";
import { WebGpuExecutor } from "../../packages/tensor/src/gpu/webgpu/executor.js";
import { wgslKernels } from "../../packages/tensor/src/gpu/wgsl/kernels/index.js";
import { cpuTuning, type Tuning } from "../../packages/tensor/src/gpu/wgsl/tuning.js";
import { conforms } from "../../packages/tensor/test/gpu/conforms.js";
import { useSwiftShader } from "./vulkan.js";

useSwiftShader();

/**
 * Sums and sorts of a workgroup as a GPU has them, on any adapter. A GPU's products are in product.test.ts: they take SwiftShader long
 * to compile.
 */
async function tuned(tuning: Partial<Tuning>): Promise<GpuBackend> {
  const executor = new WebGpuExecutor(await openDevice());
  return gpuBackend(executor, { ...kernels, ...wgslKernels({ ...cpuTuning, ...tuning }) });
}
const hasRows = /Norm|rowStd|CrossEntropy|KlDivergence|^sort$|^indexAdd$|^scatterAdd$/;
const hasSums = /Norm|rowStd|CrossEntropy|KlDivergence|^sum|classMean|^stdSpread$/;

const { device, lanes } = await openDevice();
device.destroy();
const subgroups = ([4, 64] as const).map((rowThreads) => ({
  name: `kernels in WGSL, subgroups of ${lanes}, ${rowThreads} threads a row`,
  open: () => tuned({ rowThreads, lanes }),
  of: hasSums,
}));
if (lanes === 0) console.log("This adapter has no subgroups: nothing was checked of them.");

describe.each([
  { name: "kernels in WGSL", open: () => gpu({ mode: "webgpu", webgpu: { tune: false } }), of: /./ },
  {
    name: "kernels in WGSL, as on a GPU",
    open: () => tuned({ rowThreads: 64, lanes: 0, sharedSort: true }),
    of: hasRows,
  },
  ...(lanes > 0 ? subgroups : []),
  { name: "kernels of gpu.js", open: () => gpu({ mode: "webgpu", webgpu: { overrides: false } }), of: /./ },
])("webgpu, $name", ({ open, of }) => {
  conforms({ mode: "webgpu", open, of });
});
