import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contracts, type Tensor, type TensorData } from "../../packages/tensor/src/index.js";
import {
  constant,
  expectClose,
  integers,
  random,
  type Value,
  viewOf,
} from "../../packages/tensor/src/testing/index.js";
import { gpuBackend, type GpuBackend } from "../../packages/tensor/src/gpu/backend.js";
import { kernels } from "../../packages/tensor/src/gpu/kernels/index.js";
import { openDevice } from "../../packages/tensor/src/gpu/webgpu/device.js";
import { WebGpuExecutor } from "../../packages/tensor/src/gpu/webgpu/executor.js";
import {
  linearCrossEntropyBy,
  linearCrossEntropyGradBy,
} from "../../packages/tensor/src/gpu/wgsl/kernels/cross-entropy.js";
import { wgslKernels } from "../../packages/tensor/src/gpu/wgsl/kernels/index.js";
import {
  linearKlDivergenceBy,
  linearKlDivergenceGradBy,
} from "../../packages/tensor/src/gpu/wgsl/kernels/kl-divergence.js";
import { cpuTuning } from "../../packages/tensor/src/gpu/wgsl/tuning.js";
import { useSwiftShader } from "./vulkan.js";

useSwiftShader();
/** Room for the logits of three rows of seven. */
const HELD = 3 * 12;
let backend: GpuBackend;
beforeAll(async () => {
  const builds = {
    ...kernels,
    ...wgslKernels(cpuTuning),
    linearCrossEntropy: linearCrossEntropyBy(HELD)(cpuTuning),
    linearCrossEntropyGrad: linearCrossEntropyGradBy(HELD)(cpuTuning),
    linearKlDivergence: linearKlDivergenceBy(HELD)(cpuTuning),
    linearKlDivergenceGrad: linearKlDivergenceGradBy(HELD)(cpuTuning),
  };
  backend = gpuBackend(new WebGpuExecutor(await openDevice()), builds);
});
afterAll(() => backend.dispose());

const [N, C, D, V] = [7, 5, 6, 10];
const values = {
  x: random([N, C], 1),
  w: random([V, C], 2),
  bias: random([V], 3),
  targets: integers([N], 4, V),
  dloss: random([N], 5),
  teacherX: random([N, D], 6),
  teacherW: random([V, D], 7),
  teacherBias: random([V], 8),
};
const HEAD_KERNELS = [
  "linearCrossEntropy",
  "linearCrossEntropyGrad",
  "linearKlDivergence",
  "linearKlDivergenceGrad",
] as const;
type HeadKernel = (typeof HEAD_KERNELS)[number];

async function expectNaive(kernel: HeadKernel, given: typeof values) {
  const contract = contracts[kernel];
  const views = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, viewOf(value)]),
  ) as Record<keyof typeof given, ReturnType<typeof viewOf>>;
  const specs = contract.infer(views, {});
  const naive = Object.fromEntries(
    Object.entries(specs).map(([name, { shape, dtype }]) => [
      name,
      { shape, dtype, data: new Float64Array(shape.reduce((a, b) => a * b, 1)) },
    ]),
  );
  (contract.naive as (inputs: object, attributes: object, outputs: object) => void)(views, {}, naive);
  const outputs = await valuesOf(kernel, given);
  expect(Object.keys(outputs)).toEqual(Object.keys(naive));
  for (const [name, data] of Object.entries(outputs)) expectClose(name, data, naive[name].data, 1e-5);
}

async function valuesOf(kernel: HeadKernel, given: typeof values): Promise<Record<string, TensorData>> {
  const inputs = Object.fromEntries(
    Object.entries(given).map(([name, { data, shape }]) => [name, backend.upload(data, shape)]),
  );
  const run = backend.run.bind(backend) as (
    kernel: string,
    inputs: object,
    attributes: object,
  ) => Record<string, Tensor>;
  const read: Record<string, TensorData> = {};
  for (const [name, tensor] of Object.entries(run(kernel, inputs, {}))) read[name] = await tensor.read();
  return read;
}

it.each(HEAD_KERNELS)("%s is the same when rows go in several chunks, the last of them shorter", (kernel) =>
  expectNaive(kernel, values),
);

describe.each(["linearKlDivergence", "linearKlDivergenceGrad"] as const)("%s", (kernel) => {
  it("loses no digits where logits are large", async () => {
    // In steps of 1/64, so that logits are the same in float32 and float64.
    const steps = ({ shape, data }: Value) => ({
      shape,
      data: data.map((value) => Math.round(value * 8) / 8),
    });
    const { x, w, teacherX, teacherW } = values;
    const exact = { x: steps(x), w: steps(w), teacherX: steps(teacherX), teacherW: steps(teacherW) };
    const biases = { bias: constant([V], 4096), teacherBias: constant([V], -4096) };
    await expectNaive(kernel, { ...values, ...exact, ...biases });
  });

  it("is exactly 0, and so is its gradient, where both models have the same logits", async () => {
    const [x, w, bias] = [random([N, C], 1, 30), random([V, C], 2, 30), random([V], 3)];
    const same = { x, w, bias, teacherX: x, teacherW: w, teacherBias: bias };
    const outputs = await valuesOf(kernel, { ...values, ...same });
    for (const [name, data] of Object.entries(outputs)) {
      expect([name, data.every((value) => value === 0)]).toEqual([name, true]);
    }
  });
});
