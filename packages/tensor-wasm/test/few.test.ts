/** What a token in generation takes: products of few rows and attention of few queries, which have kernels of their own. */
import { type Backend, reference, type Tensor } from "@normless/tensor";
import { expectClose, random } from "@normless/tensor/testing";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { type Product, wasm } from "../src/index.js";

const oracle = reference();
const engines = await Promise.all([1, 2, 3].map((threads) => wasm({ threads })));
const plain = await wasm({ threads: 2, simd: "plain" });
afterAll(async () => {
  for (const engine of [...engines, plain]) await engine.dispose();
});

/** What `work` gives on every engine: close to the reference, and of the same bits whatever the threads. */
async function agree(
  work: (backend: Backend, up: (shape: readonly number[], seed: number) => Tensor) => readonly Tensor[],
  tolerance: number,
): Promise<void> {
  const on = async (backend: Backend) => {
    const made: Tensor[] = [];
    const results = work(backend, (shape, seed) => {
      const { data } = random(shape, seed);
      made.push(backend.upload(data, shape));
      return made[made.length - 1];
    });
    const values = await Promise.all(results.map((tensor) => tensor.read()));
    for (const tensor of new Set([...made, ...results])) tensor.free();
    return values;
  };
  const expected = await on(oracle);
  const [one, ...more] = await Promise.all(engines.map(on));
  for (const other of more) expect(other).toEqual(one);
  for (const actual of [one, await on(plain)]) {
    actual.forEach((values, i) => expectClose(`output ${i}`, values, expected[i], tolerance));
  }
}

describe("a product of few rows", () => {
  const sizes = {
    M: fc.integer({ min: 1, max: 5 }),
    K: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 100, max: 700 })),
    N: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 250, max: 300 })),
  };

  it("with a bias, of some columns, transposed or added: as in float64, for any number of threads", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({ ...sizes, begin: fc.nat(5), past: fc.nat(5), transposeW: fc.boolean() }),
        async ({ M, K, N, begin, past, transposeW }) => {
          const of = begin + N + past;
          const columns = { begin, end: begin + N, of };
          await agree((backend, up) => {
            const [x, w] = [up([M, K], 1), up(transposeW ? [of, K] : [K, of], 2)];
            const [bias, y] = [up([of], 3), up([M, N], 4)];
            backend.run("linear", { x, w, bias }, { columns, transposeW }, { y });
            return [y, backend.run("linear", { x, w }, { columns, transposeW }).y];
          }, 1e-5);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("a product of a few rows with a wide matrix, which tiles pack themselves", () => {
  it.each([
    [5, 300, 443],
    [96, 129, 1021],
    [16, 520, 257],
  ])("%d×%d×%d", async (M, K, N) => {
    for (const transposeW of [false, true]) {
      await agree((backend, up) => {
        const [x, w] = [up([M, K], 1), up(transposeW ? [N, K] : [K, N], 2)];
        const [bias, y] = [up([N], 3), up([M, N], 4)];
        backend.run("linear", { x, w, bias }, { transposeW }, { y });
        const [a, b] = [up([1, K, M], 5), up([1, K, N], 6)];
        return [y, backend.run("matmul", { a, b }, { transposeA: true }).y];
      }, 1e-5);
    }
  });
});

it("leaves products of more than four rows, and those alone, to somebody else's gemm", async () => {
  const rows: number[] = [];
  const gemm = {
    name: "theirs",
    description: "theirs",
    attach:
      () =>
      ({ M }: Product) =>
        void rows.push(M),
  };
  const backend = await wasm({ threads: 1, gemm });
  const w = backend.upload(new Float32Array(6), [2, 3]);
  for (const M of [1, 4, 5, 100])
    backend.run("linear", { x: backend.upload(new Float32Array(2 * M), [M, 2]), w }, {});
  await backend.dispose();
  expect(rows).toEqual([5, 100]);
});

describe("attention of few queries", () => {
  it("to a cache of many keys: as in float64, for any number of threads", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          B: fc.integer({ min: 1, max: 2 }),
          Tq: fc.integer({ min: 1, max: 5 }),
          past: fc.oneof(fc.nat(10), fc.integer({ min: 55, max: 70 }), fc.integer({ min: 120, max: 200 })),
          spare: fc.nat(3),
          heads: fc.integer({ min: 1, max: 3 }),
          D: fc.integer({ min: 1, max: 20 }),
        }),
        async ({ B, Tq, past, spare, heads, D }) => {
          const [keys, C] = [past + Tq, heads * D];
          await agree((backend, up) => {
            const q = up([B, Tq, C], 1);
            const [k, v] = [up([B, keys + spare, C], 2), up([B, keys + spare, C], 3)];
            const { y, lse } = backend.run("attention", { q, k, v }, { heads, keys });
            return [y, lse];
          }, 1e-5);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("whose scores are far apart, over several parts of the keys", async () => {
    await agree((backend, up) => {
      const [q, k, v] = [up([1, 1, 8], 1), up([1, 200, 8], 2), up([1, 200, 8], 3)];
      const [far] = [backend.run("scale", { x: q }, { factor: 200 }).y];
      const { y, lse } = backend.run("attention", { q: far, k, v }, { heads: 2 });
      return [y, lse, far];
    }, 1e-4);
  });
});
