import { readFile } from "node:fs/promises";
import { contracts, dry, type KernelName, sizeOf, type Tensor } from "@normless/tensor";
import { expect, it } from "vitest";
import { floorsTable } from "../src/gpu/floors.js";
import { training } from "../src/gpu/step.js";
import { dims, parameters, workOf } from "../src/gpu/work.js";

/** Without the spaces that align a table. */
const squeezed = (text: string) => text.replace(/[ -]+/g, " ");

it("counts the parameters that GPT-2 small has", () => {
  expect(parameters(dims.small)).toBe(124_439_808);
});

it("gives every kernel operands that its contract takes", () => {
  for (const { kernel, inputs, attributes } of workOf(dims.tiny)) {
    const shapes = Object.fromEntries(
      Object.entries(inputs).map(([name, shape]) => [name, { shape, dtype: "float32" }]),
    );
    const contract = contracts[kernel] as { infer(inputs: object, attributes: object): object };
    expect(Object.keys(contract.infer(shapes, attributes)), kernel).toEqual(contracts[kernel].outputs);
  }
});

type Tensors = Readonly<Record<string, Tensor | undefined>>;
interface Call {
  readonly kernel: KernelName;
  readonly inputs: Tensors;
  readonly attributes: {
    readonly columns?: { readonly begin: number; readonly end: number; readonly of: number };
  };
  readonly into: Tensors;
  readonly outputs: Tensors;
}
type AnyRun = (kernel: KernelName, inputs: Tensors, attributes: object, into?: Tensors) => Tensors;

/** What one step really runs. */
async function callsOfStep(): Promise<Call[]> {
  const backend = dry();
  const { step } = await training(backend, dims.tiny);
  const calls: Call[] = [];
  const run = backend.run.bind(backend) as AnyRun;
  const recorded: AnyRun = (kernel, inputs, attributes, into = {}) => {
    const outputs = run(kernel, inputs, attributes, into);
    calls.push({ kernel, inputs, attributes, into, outputs });
    return outputs;
  };
  Object.assign(backend, { run: recorded });
  await step();
  return calls;
}

/** Every operand read once, every result written once, and read too when it was there before. */
function bytesMoved({ kernel, inputs, attributes: { columns }, into, outputs }: Call): number {
  const share = columns ? (columns.end - columns.begin) / columns.of : 1;
  // A column's gradient is added to that column, a row's to that row; no other value is touched.
  const values = (name: string, tensor: Tensor | undefined) => {
    if (name === "table") return sizeOf(outputs.rows!.shape);
    if (name === "dtable") return sizeOf(inputs.dy!.shape);
    return sizeOf(tensor?.shape ?? [0]) * (["w", "bias", "dw", "dbias"].includes(name) ? share : 1);
  };
  const moved = (tensors: Tensors) =>
    Object.entries(tensors).reduce((sum, [name, tensor]) => sum + values(name, tensor), 0);
  const changed = Object.fromEntries(contracts[kernel].mutates.map((name) => [name, inputs[name]]));
  return 4 * (moved(inputs) + moved(changed) + moved(outputs) + moved(into));
}

/** One call for each parameter, which the list has as one; the bytes of scalars that only the other calls need. */
const perParameter: Readonly<Record<string, number>> = { sumSquares: 8, adamw: 4 };

it("lists what a step runs: kernels, calls and bytes", async () => {
  type Sums = Record<string, { calls: number; bytes: number }>;
  const [listed, run]: [Sums, Sums] = [{}, {}];
  const add = (sums: Sums, kernel: string, calls: number, bytes: number) => {
    if (calls === 0) return;
    const before = sums[kernel] ?? { calls: 0, bytes: 0 };
    sums[kernel] = { calls: before.calls + calls, bytes: before.bytes + calls * bytes };
  };
  for (const { kernel, calls, bytes } of workOf(dims.tiny)) add(listed, kernel, calls, bytes);
  for (const call of await callsOfStep()) add(run, call.kernel, 1, bytesMoved(call));
  for (const [kernel, scalars] of Object.entries(perParameter)) {
    const { calls, bytes } = run[kernel];
    run[kernel] = { calls: 1, bytes: bytes - (calls - 1) * scalars };
  }
  expect(listed).toEqual(run);
});

it("has six operations a parameter and token in a step's products, attention apart", () => {
  const { B, T, C, L, V } = dims.small;
  const products = workOf(dims.small).filter(
    ({ kernel }) => kernel.startsWith("linear") && kernel !== "linearGradBias",
  );
  const flops = products.reduce((sum, work) => sum + work.calls * work.flops, 0);
  expect(flops).toBe(6 * B * T * (12 * L * C * C + V * C));
});

it("is where the table of GPU.md comes from", async () => {
  const page = await readFile(new URL("../../packages/tensor/GPU.md", import.meta.url), "utf8");
  expect(squeezed(page)).toContain(squeezed(floorsTable(dims.small)));
});
