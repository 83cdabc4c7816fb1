/** Tensors of random values: what they hold for any seed, and that the same place gives the same values. */
import { reference, type Tensor, tensor } from "@normless/tensor";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bernoulli, dropout, init, normal, permutation, sum, uniform, valueAndGrad } from "../src/index.js";

const backend = reference();
const seeds = fc.maxSafeInteger();
const take = async (tensor: Tensor) => {
  const values = [...(await tensor.read())];
  tensor.free();
  return values;
};
const meanOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

describe("draws", () => {
  it("are the same at the same place, and others elsewhere", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, fc.nat(1000), async (seed, step) => {
        for (const draw of [uniform, normal]) {
          const at = (...counters: number[]) => take(draw(backend, [9], { seed, counters }));
          expect(await at(step)).toEqual(await at(step));
          expect(await at(step)).not.toEqual(await at(step + 1));
        }
      }),
    );
  });

  it("uniform: from low to below high, in float32 too", async () => {
    const values = await take(uniform(backend, [20_000], { seed: 1, low: -2, high: 3 }));
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-2);
    expect(Math.max(...values.map(Math.fround))).toBeLessThan(3);
    expect(meanOf(values)).toBeCloseTo(0.5, 1);
  });

  it("normal: of this mean and std", async () => {
    const values = await take(normal(backend, [20_000], { seed: 2, mean: 1, std: 3 }));
    expect(meanOf(values)).toBeCloseTo(1, 1);
    expect(Math.sqrt(meanOf(values.map((v) => (v - 1) ** 2)))).toBeCloseTo(3, 1);
  });

  it("bernoulli: true with this probability", async () => {
    expect(meanOf(await take(bernoulli(backend, [20_000], { seed: 3, p: 0.2 })))).toBeCloseTo(0.2, 1);
    expect(await take(bernoulli(backend, [3], { seed: 3, p: 0 }))).toEqual([0, 0, 0]);
    expect(await take(bernoulli(backend, [3], { seed: 3, p: 1 }))).toEqual([1, 1, 1]);
  });

  it("permutation: each whole number once", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, fc.integer({ min: 1, max: 200 }), async (seed, size) => {
        const values = await take(permutation(backend, size, { seed }));
        expect(values.sort((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, i) => i));
      }),
    );
  });

  it("dropout: 0 or as much larger, and the same for the gradient", async () => {
    const x = tensor(
      backend,
      Array.from({ length: 1000 }, (_, i) => i + 1),
    );
    const { value, grads } = valueAndGrad(({ x }) => sum(dropout(x, 0.25, { seed: 5 })), { x });
    const dx = await take(grads.x);
    expect(new Set(dx)).toEqual(new Set([0, 4 / 3]));
    expect(meanOf(dx)).toBeCloseTo(1, 1);
    expect(await take(value)).toEqual([
      expect.closeTo(
        dx.reduce((sum, g, i) => sum + g * (i + 1), 0),
        6,
      ),
    ]);
    expect(new Set(await take(dropout(x, 1, { seed: 5 })))).toEqual(new Set([0]));
    expect(() => dropout(x, 1.5, { seed: 5 })).toThrow("dropout: p is 1.5; it goes from 0 to 1");
    x.free();
  });

  it("initialisers have the variance of their papers", async () => {
    const shape = [300, 100];
    const variances = {
      xavierUniform: 2 / 400,
      xavierNormal: 2 / 400,
      kaimingUniform: 2 / 300,
      kaimingNormal: 2 / 300,
    };
    for (const [name, variance] of Object.entries(variances)) {
      const values = await take(init[name as keyof typeof variances](backend, shape, { seed: 7 }));
      expect(meanOf(values.map((v) => v * v)) / variance, name).toBeCloseTo(1, 1);
    }
    expect(() => init.xavierNormal(backend, [3], { seed: 1 })).toThrow(/two dimensions or more/);
  });
});
