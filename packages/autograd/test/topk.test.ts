/** The largest values of long rows, which are looked for in a few blocks, are those that a sort puts first. */
import { reference, scope, type Tensor } from "@normless/tensor";
import { integers, random } from "@normless/tensor/testing";
import { afterAll, describe, expect, it } from "vitest";
import { slice, sort, sum, topk, valueAndGrad } from "../src/index.js";

const backend = reference();
afterAll(() => backend.dispose());

const rows = [64, 256] as const;
const floats = random(rows, 1).data;
/** NaN in some places, and zeros of both signs. */
const odd = Float32Array.from(floats, (value, i) =>
  i % 97 === 0 ? NaN : i % 3 === 0 ? Math.sign(value) * 0 : value,
);

describe.each([
  ["of float32", floats],
  ["with NaN and −0", odd],
  ["of which many are equal", integers(rows, 2, 5).data],
  ["that are all equal", new Float32Array(floats.length)],
] as const)("values %s", (_name, data) => {
  it.each([
    [1, true],
    [8, true],
    [8, false],
    [256, true],
  ])("%d of them, largest: %s", async (k, largest) => {
    const x = backend.upload(data, rows);
    const found = scope(() => topk(x, k, { largest }));
    const expected = scope(() => {
      const { values, indices } = sort(x, { descending: largest });
      const first = (all: Tensor) => slice(all, 1, { end: k });
      return { values: first(values), indices: first(indices) };
    });
    for (const name of ["indices", "values"] as const) {
      expect(found[name].shape).toEqual([64, k]);
      expect(await found[name].read()).toEqual(await expected[name].read());
      found[name].free();
      expected[name].free();
    }
    x.free();
    expect(backend.memory().liveTensors).toBe(0);
  });
});

it("have a gradient of 1, the others of 0", async () => {
  const x = backend.upload(floats, rows);
  const { value, grads } = valueAndGrad(({ x }) => sum(topk(x, 8).values), { x });
  const slopes = await grads.x.read();
  expect(slopes.filter((slope) => slope === 1).length).toBe(8 * 64);
  expect(slopes.filter((slope) => slope === 0).length).toBe(248 * 64);
  for (const tensor of [value, grads.x, x]) tensor.free();
  expect(backend.memory().liveTensors).toBe(0);
});
