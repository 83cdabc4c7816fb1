import { readFile } from "node:fs/promises";
import { contracts } from "@normless/tensor";
import { expect, it } from "vitest";
import { floorsTable } from "../src/gpu/floors.js";
import { dims, parameters, workOf } from "../src/gpu/work.js";

/** Without the spaces that align a table. */
const squeezed = (text: string) => text.replace(/[ -]+/g, " ");

it("counts the parameters that GPT-2 small has", () => {
  expect(parameters(dims.small)).toBe(124_439_808);
});

it("gives every kernel operands that its contract takes", () => {
  for (const { kernel, inputs, attributes } of workOf(dims.tiny)) {
    const shapes = Object.fromEntries(Object.entries(inputs).map(([name, shape]) => [name, { shape }]));
    const contract = contracts[kernel] as { infer(inputs: object, attributes: object): object };
    expect(Object.keys(contract.infer(shapes, attributes)), kernel).toEqual(contracts[kernel].outputs);
  }
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
