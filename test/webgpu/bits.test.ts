import { afterAll, beforeAll, expect, it } from "vitest";
import { gpu, gpuBackend, type GpuBackend, kernels } from "../../packages/tensor/src/gpu/index.js";
import { openDevice } from "../../packages/tensor/src/gpu/webgpu/device.js";
import { WebGpuExecutor } from "../../packages/tensor/src/gpu/webgpu/executor.js";
import { wgslKernels } from "../../packages/tensor/src/gpu/wgsl/kernels/index.js";
import { cpuTuning, type Tuning } from "../../packages/tensor/src/gpu/wgsl/tuning.js";
import {
  type KernelName,
  kernelNames,
  type Tensor,
  type TensorData,
} from "../../packages/tensor/src/index.js";
import { cases, type Value } from "../../packages/tensor/src/testing/index.js";
import { useSwiftShader } from "./vulkan.js";

useSwiftShader();
let backend: GpuBackend;
beforeAll(async () => {
  backend = await gpu({ mode: "webgpu", webgpu: { tune: false } });
});
afterAll(() => backend.dispose());

interface AnyCase {
  readonly inputs: Readonly<Record<string, Value | undefined>>;
  readonly attributes: object;
}
type AnyRun = (kernel: string, inputs: object, attributes: object) => Record<string, Tensor>;

/** Every value that the kernel writes, outputs and what it changes in place. */
async function valuesOf(
  backend: GpuBackend,
  kernel: string,
  { inputs, attributes }: AnyCase,
): Promise<TensorData[]> {
  const operands: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(inputs)) {
    if (value) operands[name] = backend.upload(value.data, value.shape);
  }
  const run = backend.run.bind(backend) as AnyRun;
  const tensors = [...Object.values(run(kernel, operands, attributes)), ...Object.values(operands)];
  const values = await Promise.all(tensors.map((tensor) => tensor.read()));
  for (const tensor of tensors) tensor.free();
  return values;
}

it.each(kernelNames)("%s gives the same bits in every run", async (kernel) => {
  const longest = longestOf(kernel);
  const first = await valuesOf(backend, kernel, longest);
  for (let run = 0; run < 2; run++) expect(await valuesOf(backend, kernel, longest)).toEqual(first);
});

const { device, lanes } = await openDevice();
device.destroy();
const SUMS = [
  "layerNorm",
  "layerNormGrad",
  "frozenNorm",
  "frozenNormGrad",
  "rowStd",
  "rowStdGrad",
  "classMean",
  "stdSpread",
  "linearCrossEntropy",
  "linearCrossEntropyGrad",
  "linearKlDivergence",
  "linearKlDivergenceGrad",
  "sum",
  "sumSquares",
] as const satisfies readonly KernelName[];

it(`subgroups, if there are any (here of ${lanes}), give the bits of workgroup memory`, async () => {
  for (const rowThreads of [4, 64] as const) {
    const open = async (tuning: Tuning) =>
      gpuBackend(new WebGpuExecutor(await openDevice()), { ...kernels, ...wgslKernels(tuning) });
    const memory = await open({ ...cpuTuning, rowThreads });
    const registers = await open({ ...cpuTuning, rowThreads, lanes });
    for (const kernel of SUMS) {
      const expected = await valuesOf(memory, kernel, longestOf(kernel));
      expect(await valuesOf(registers, kernel, longestOf(kernel))).toEqual(expected);
    }
    await memory.dispose();
    await registers.dispose();
  }
});

function longestOf(kernel: KernelName): AnyCase {
  return (cases[kernel] as readonly AnyCase[]).toSorted((a, b) => sizeOfCase(b) - sizeOfCase(a))[0];
}

function sizeOfCase({ inputs }: AnyCase): number {
  return Object.values(inputs).reduce((sum, value) => sum + (value?.data.length ?? 0), 0);
}
