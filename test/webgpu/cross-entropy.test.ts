import { afterAll, beforeAll, expect, it } from "vitest";
import { contracts, type Tensor } from "../../packages/tensor/src/index.js";
import { expectClose, integers, random } from "../../packages/tensor/src/testing/index.js";
import { gpuBackend, type GpuBackend } from "../../packages/tensor/src/gpu/backend.js";
import { kernels } from "../../packages/tensor/src/gpu/kernels/index.js";
import { openDevice } from "../../packages/tensor/src/gpu/webgpu/device.js";
import { WebGpuExecutor } from "../../packages/tensor/src/gpu/webgpu/executor.js";
import {
  linearCrossEntropyBy,
  linearCrossEntropyGradBy,
} from "../../packages/tensor/src/gpu/wgsl/cross-entropy.js";
import { wgslKernels } from "../../packages/tensor/src/gpu/wgsl/index.js";
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
  };
  backend = gpuBackend(new WebGpuExecutor(await openDevice()), builds);
});
afterAll(() => backend.dispose());

const [N, C, V] = [7, 5, 10];
const values = {
  x: random([N, C], 1),
  w: random([V, C], 2),
  bias: random([V], 3),
  targets: integers([N], 4, V),
  dloss: random([N], 5),
};

it.each(["linearCrossEntropy", "linearCrossEntropyGrad"] as const)(
  "%s is the same when rows go in several chunks, the last of them shorter",
  async (kernel) => {
    const contract = contracts[kernel];
    const specs = contract.infer(values, {});
    const naive = Object.fromEntries(
      Object.entries(specs).map(([name, { shape }]) => [
        name,
        { shape, data: new Float64Array(shape.reduce((a, b) => a * b, 1)) },
      ]),
    );
    (contract.naive as (inputs: object, attributes: object, outputs: object) => void)(values, {}, naive);
    const inputs = Object.fromEntries(
      Object.entries(values).map(([name, { data, shape }]) => [name, backend.upload(data, shape)]),
    );
    const run = backend.run.bind(backend) as (
      kernel: string,
      inputs: object,
      attributes: object,
    ) => Record<string, Tensor>;
    const outputs = run(kernel, inputs, {});
    expect(Object.keys(outputs)).toEqual(Object.keys(naive));
    for (const [name, tensor] of Object.entries(outputs)) {
      expectClose(name, await tensor.read(), naive[name].data, 1e-5);
    }
  },
);
