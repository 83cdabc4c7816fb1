/** The norms over several units and rests of vectors; what is no number, and classes that there are none of. */
import type { TensorData } from "@normless/tensor";
import { integers, random } from "@normless/tensor/testing";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { isBuilt } from "./built.js";
import { agreement } from "./agree.js";

const { agree, engines, dispose } = await agreement();
afterAll(dispose);

const [engine] = engines;
const std = { first: 3, eot: 2, rest: 0.7 };
const eps = 1e-5;

describe.runIf(isBuilt)("norms, as in float64 and with the same bits for any number of threads", () => {
  const shapes = fc.record({
    N: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 60, max: 220 })),
    // Of few channels a gradient is a small difference of large numbers, and most of that is rounding.
    C: fc.oneof(fc.integer({ min: 8, max: 70 }), fc.integer({ min: 250, max: 280 })),
  });

  it("with gradients, added or not", async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async ({ N, C }) => {
        await agree((backend, up) => {
          const [x, dy, dx, gamma, beta] = [
            up([N, C], 1),
            up([N, C], 2),
            up([N, C], 3),
            up([C], 4),
            up([C], 5),
          ];
          const classes = backend.upload(integers([N], 6, 3).data, [N]);
          const norm = backend.run("layerNorm", { x, gamma, beta }, { eps });
          const inputs = { dy, x, gamma, mean: norm.mean, rstd: norm.rstd };
          const frozen = { dy, x, gamma, classes };
          const added = backend.run("layerNormGrad", inputs, {}, { dx, dbeta: up([C], 7) });
          const addedFrozen = backend.run("frozenNormGrad", frozen, { std }, { dx, dgamma: up([C], 8) });
          return [
            ...Object.values(norm),
            ...Object.values(backend.run("layerNormGrad", inputs, {})),
            ...Object.values(added),
            backend.run("frozenNorm", { x, gamma, beta, classes }, { std }).y,
            ...Object.values(backend.run("frozenNormGrad", frozen, { std })),
            ...Object.values(addedFrozen),
            classes,
          ];
        }, 2e-5);
      }),
      { numRuns: 12 },
    );
  });

  it("and the stds of rows", async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async ({ N, C }) => {
        await agree((backend, up) => {
          const x = up([N, C], 1);
          const { std: stds } = backend.run("rowStd", { x }, { eps });
          return [stds, backend.run("rowStdGrad", { dstd: up([N], 2), x, std: stds }, {}).dx];
        });
      }),
      { numRuns: 12 },
    );
  });
});

it.runIf(isBuilt)("NaN is in the results of its own row", async () => {
  const [N, C] = [40, 37];
  const { data } = random([N, C], 1);
  data[5 * C + 20] = NaN;
  const up = (values: TensorData, shape: readonly number[]) => engine.upload(values, shape);
  const [x, gamma] = [up(data, [N, C]), up(new Float32Array(C).fill(1), [C])];
  const classes = up(new Int32Array(N), [N]);
  const results = [
    engine.run("layerNorm", { x, gamma, beta: gamma }, { eps }).y,
    engine.run("frozenNorm", { x, gamma, beta: gamma, classes }, { std }).y,
    engine.run("rowStd", { x }, { eps }).std,
  ];
  for (const result of results) {
    const values = await result.read();
    const width = values.length / N;
    values.forEach((value, at) => expect(Number.isNaN(value)).toBe(Math.floor(at / width) === 5));
  }
});

it.runIf(isBuilt)("refuses classes that there are none of, before anything is written", () => {
  const [x, gamma] = [engine.upload(new Float32Array(4), [2, 2]), engine.upload(new Float32Array(2), [2])];
  const classes = engine.upload(Int32Array.of(0, 3), [2]);
  const { liveBytes } = engine.memory();
  const message = /classes\[1\] is 3; it must be from 0 to 2/;
  expect(() => engine.run("frozenNorm", { x, gamma, beta: gamma, classes }, { std })).toThrow(message);
  expect(() => engine.run("frozenNormGrad", { dy: x, x, gamma, classes }, { std })).toThrow(message);
  expect(() => engine.run("classMean", { values: gamma, classes }, {})).toThrow(message);
  expect(engine.memory().liveBytes).toBe(liveBytes);
});
