/** Attention over several blocks and tiles, of few queries, and of scores and caches that nothing must be read of. */
import type { Backend } from "@normless/tensor";
import { random } from "@normless/tensor/testing";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { isBuilt } from "./built.js";
import { agreement } from "./agree.js";

const { agree, engines, dispose } = await agreement();
afterAll(dispose);

const [engine] = engines;
const floats = (values: ArrayLike<number>, shape: readonly number[]) =>
  engine.upload(Float32Array.from(values), shape);

describe.runIf(isBuilt)("attention, as in float64 and with the same bits for any number of threads", () => {
  it("of blocks of queries to tiles of keys, and its gradient, added or not", async () => {
    const length = fc.oneof(
      fc.integer({ min: 5, max: 30 }),
      fc.integer({ min: 60, max: 68 }),
      fc.constant(141),
    );
    const drawn = fc.record({
      B: fc.integer({ min: 1, max: 2 }),
      Tq: length,
      past: fc.oneof(fc.constant(0), fc.nat(9), fc.integer({ min: 60, max: 70 }), fc.constant(135)),
      heads: fc.integer({ min: 1, max: 3 }),
      D: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(16, 32)),
    });
    await fc.assert(
      fc.asyncProperty(drawn, async ({ B, Tq, past, heads, D }) => {
        const C = heads * D;
        await agree((backend, up) => {
          const [q, dy] = [up([B, Tq, C], 1), up([B, Tq, C], 2)];
          const [k, v] = [up([B, Tq + past, C], 3), up([B, Tq + past, C], 4)];
          const { y, lse } = backend.run("attention", { q, k, v }, { heads });
          const inputs = { dy, q, k, v, y, lse };
          const [dq, dk] = [up([B, Tq, C], 5), up([B, Tq + past, C], 6)];
          const { dv } = backend.run("attentionGrad", inputs, { heads }, { dq, dk });
          return [y, lse, dq, dk, dv, ...Object.values(backend.run("attentionGrad", inputs, { heads }))];
        });
      }),
      { numRuns: 12 },
    );
  });

  it("of few queries to a cache of many keys", async () => {
    const drawn = fc.record({
      B: fc.integer({ min: 1, max: 2 }),
      Tq: fc.integer({ min: 1, max: 5 }),
      past: fc.oneof(fc.nat(10), fc.integer({ min: 55, max: 70 }), fc.integer({ min: 120, max: 200 })),
      spare: fc.nat(3),
      heads: fc.integer({ min: 1, max: 3 }),
      D: fc.integer({ min: 1, max: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(drawn, async ({ B, Tq, past, spare, heads, D }) => {
        const [keys, C] = [past + Tq, heads * D];
        await agree((backend, up) => {
          const q = up([B, Tq, C], 1);
          const [k, v] = [up([B, keys + spare, C], 2), up([B, keys + spare, C], 3)];
          const { y, lse } = backend.run("attention", { q, k, v }, { heads, keys });
          return [y, lse];
        });
      }),
      { numRuns: 60 },
    );
  });

  it.each([1, 7])("whose scores are far apart, over several parts of the keys: %d queries", async (Tq) => {
    await agree((backend, up) => {
      const [q, k, v] = [up([1, Tq, 8], 1), up([1, 300, 8], 2), up([1, 300, 8], 3)];
      const far = backend.run("scale", { x: q }, { factor: 200 }).y;
      const { y, lse } = backend.run("attention", { q: far, k, v }, { heads: 2 });
      return [y, lse, far];
    }, 1e-4);
  });

  it.each([1, 7])("where the scores of the first keys are −Infinity: %d queries", async (Tq) => {
    await agree((backend, up) => {
      const q = backend.upload(new Float32Array(Tq).fill(1e30), [1, Tq, 1]);
      const keys = Float32Array.from({ length: 300 }, (_, j) => (j < 200 ? -1e30 : 0));
      const k = backend.upload(keys, [1, 300, 1]);
      const { y, lse } = backend.run("attention", { q, k, v: up([1, 300, 1], 1) }, { heads: 1 });
      return [y, lse, q, k];
    });
  });
});

/** Attention of one head over values of D = 3, some of which are NaN. */
async function withNaN(Tq: number, T: number, where: { readonly name: "q" | "k"; readonly row: number }) {
  const shapes = { q: [1, Tq, 3], k: [1, T, 3], v: [1, T, 3] } as const;
  const operands = Object.entries(shapes).map(([name, shape], seed) => {
    const { data } = random(shape, seed);
    if (name === where.name) data.fill(NaN, 3 * where.row, 3 * where.row + 3);
    return [name, floats(data, shape)] as const;
  });
  const { y, lse } = engine.run("attention", Object.fromEntries(operands) as never, { heads: 1 });
  const [out, sums] = [await y.read(), await lse.read()];
  return Array.from({ length: Tq }, (_, i) => {
    const all = [...out.subarray(3 * i, 3 * i + 3), sums[i]].map(Number.isNaN);
    expect(new Set(all).size).toBe(1);
    return all[0];
  });
}

describe.runIf(isBuilt)("NaN", () => {
  it.each([3, 150])("in a query is in its own results: %d queries", async (T) => {
    const found = await withNaN(T, T, { name: "q", row: T - 2 });
    expect(found).toEqual(found.map((_, i) => i === T - 2));
  });

  it.each([3, 150])("in a key is in the results of those that see it: %d queries", async (T) => {
    const found = await withNaN(T, T, { name: "k", row: T - 2 });
    expect(found).toEqual(found.map((_, i) => i >= T - 2));
  });

  it.each([1, 6])("in a cache behind its keys is nowhere: %d queries", async (Tq) => {
    const [keys, capacity, C] = [133, 140, 32];
    const cache = (seed: number) =>
      floats(random([1, capacity, C], seed).data.fill(NaN, keys * C), [1, capacity, C]);
    const q = floats(random([1, Tq, C], 1).data, [1, Tq, C]);
    const { y, lse } = engine.run("attention", { q, k: cache(2), v: cache(3) }, { heads: 2, keys });
    for (const result of [y, lse]) expect((await result.read()).every(Number.isFinite)).toBe(true);
  });
});

it.runIf(isBuilt)("of no queries gives keys and values a gradient of zeros", async () => {
  const up = (shape: readonly number[]) =>
    floats(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(7), shape);
  const run = (backend: Backend, into: object) => {
    const [none, some] = [up([2, 0, 6]), up([2, 3, 6])];
    const inputs = { dy: none, q: none, k: some, v: some, y: none, lse: up([2, 2, 0]) };
    return backend.run("attentionGrad", inputs, { heads: 2 }, into);
  };
  const { dk, dv } = run(engine, { dv: up([2, 3, 6]) });
  expect(new Set(await dk.read())).toEqual(new Set([0]));
  expect(new Set(await dv.read())).toEqual(new Set([7]));
});
