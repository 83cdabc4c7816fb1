import { afterAll, beforeAll, expect, it } from "vitest";
import { gpu, type GpuBackend } from "../../packages/tensor/src/gpu/index.js";
import { kernelNames, type Tensor, type TensorData } from "../../packages/tensor/src/index.js";
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
async function valuesOf(kernel: string, { inputs, attributes }: AnyCase): Promise<TensorData[]> {
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
  const [longest] = (cases[kernel] as readonly AnyCase[]).toSorted((a, b) => sizeOfCase(b) - sizeOfCase(a));
  const first = await valuesOf(kernel, longest);
  for (let run = 0; run < 2; run++) expect(await valuesOf(kernel, longest)).toEqual(first);
});

function sizeOfCase({ inputs }: AnyCase): number {
  return Object.values(inputs).reduce((sum, value) => sum + (value?.data.length ?? 0), 0);
}
