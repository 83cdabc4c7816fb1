import { afterAll, beforeAll, expect, it } from "vitest";
import { contracts } from "../../../src/index.js";
import { expectClose, integers, random } from "../../../src/testing/index.js";
import { gpuBackend, type GpuBackend } from "../../../src/gpu/backend.js";
import { kernels } from "../../../src/gpu/kernels/index.js";
import { openDevice } from "../../../src/gpu/webgpu/device.js";
import { WebGpuExecutor } from "../../../src/gpu/webgpu/executor.js";
import { linearCrossEntropyBy, linearCrossEntropyGradBy } from "../../../src/gpu/wgsl/cross-entropy.js";
import { wgslKernels } from "../../../src/gpu/wgsl/index.js";
import { cpuTuning } from "../../../src/gpu/wgsl/product.js";
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
    const outputs = (backend.run as (kernel: string, inputs: object, attributes: object) => typeof inputs)(
      kernel,
      inputs,
      {},
    );
    expect(Object.keys(outputs)).toEqual(Object.keys(naive));
    for (const [name, tensor] of Object.entries(outputs)) {
      expectClose(name, await tensor.read(), naive[name].data, 1e-5);
    }
  },
);
