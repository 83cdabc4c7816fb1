import { reference } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  frozenNorm,
  frozenStd,
  measureStd,
  pooled,
  positionClasses,
  readStd,
  readStds,
  type StdAverage,
  updateStdAverage,
} from "../src/index.js";
import { perClass, residual, up, world } from "./support.js";

describe("measureStd", () => {
  it("is the mean of sqrt(biased variance + eps) over each class's tokens", () =>
    fc.assert(
      fc.asyncProperty(world, async (sizes) => {
        const { C } = sizes;
        const { x, classes } = residual(sizes);
        const stds: number[][] = [[], [], []];
        classes.data.forEach((k, n) => {
          const row = Array.from(x.data.slice(n * C, (n + 1) * C));
          const mean = row.reduce((a, b) => a + b, 0) / C;
          const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / C;
          stds[k].push(Math.sqrt(variance + 1e-5));
        });
        const measured = measureStd(up(x), up(classes));
        const { mean, count } = await readStd(measured);
        expect(await readStds([measured, measured])).toEqual([
          { mean, count },
          { mean, count },
        ]);
        expect([count.first, count.eot, count.rest]).toEqual(stds.map((values) => values.length));
        const expected = stds.map((values) => values.reduce((a, b) => a + b, 0) / Math.max(values.length, 1));
        expectClose("mean", [mean.first, mean.eot, mean.rest], expected, 1e-12);
      }),
    ));

  it("frees what it does not return", () => {
    const backend = reference();
    const x = backend.upload(Float64Array.of(1, 2, 3, 5), [2, 2]);
    const classes = backend.upload(Int32Array.of(0, 2), [2]);
    const { mean, count } = measureStd(x, classes);
    expect(backend.memory().liveTensors).toBe(4);
    mean.free();
    count.free();
    expect(backend.memory().liveTensors).toBe(2);
  });
});

describe("the moving mean", () => {
  const one = { first: 1, eot: 1, rest: 1 };
  const batch = { mean: { first: 90, eot: 0, rest: 2 }, count: { first: 4, eot: 0, rest: 60 } };

  it("starts at the first batch that has the class", () => {
    const average = updateStdAverage(undefined, batch, 0.9);
    expect(average).toEqual({ first: 90, rest: 2 });
    const next = { mean: { first: 0, eot: 7, rest: 4 }, count: { first: 0, eot: 1, rest: 63 } };
    const after = updateStdAverage(average, next, 0.75);
    expect(after).toEqual({ first: 90, eot: 7, rest: 2.5 });
    expect(average).toEqual({ first: 90, rest: 2 });
  });

  it("is plain JSON data", () => {
    const average = updateStdAverage(undefined, batch, 0.9);
    const back = JSON.parse(JSON.stringify(average)) as StdAverage;
    expect(updateStdAverage(back, batch, 0.9)).toEqual(updateStdAverage(average, batch, 0.9));
  });

  it("stays within the values it has seen, and keep = 0 forgets all but the last", () =>
    fc.assert(
      fc.property(
        fc.array(perClass, { minLength: 1 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (means, keep) => {
          const run = (weight: number) =>
            means.reduce<StdAverage | undefined>(
              (average, mean) => updateStdAverage(average, { mean, count: one }, weight),
              undefined,
            );
          const rests = means.map(({ rest }) => rest);
          const { rest } = frozenStd(run(keep) ?? {});
          expect(rest).toBeGreaterThanOrEqual(Math.min(...rests) * (1 - 1e-12));
          expect(rest).toBeLessThanOrEqual(Math.max(...rests) * (1 + 1e-12));
          expect(run(0)).toEqual(means.at(-1));
        },
      ),
    ));

  it("freezes a class never seen at the rest's value, which must have been seen", () => {
    expect(frozenStd({ rest: 2 })).toEqual({ first: 2, eot: 2, rest: 2 });
    expect(frozenNorm(frozenStd({ first: 90, rest: 2 }))).toEqual(frozenNorm({ first: 90, eot: 2, rest: 2 }));
    expect(() => frozenStd({ first: 90 })).toThrow(/no token of class rest was measured/);
  });

  it("refuses values of a run that has diverged, naming the class, unless the class is empty", () => {
    const nan = { mean: { first: 90, eot: NaN, rest: NaN }, count: { first: 4, eot: 0, rest: 60 } };
    expect(() => updateStdAverage(undefined, nan, 0.9)).toThrow(/class rest is NaN; the activations/);
    expect(() => updateStdAverage(undefined, batch, 1)).toThrow(/keep is 1/);
  });

  it("pooled is the mean over all tokens, as one class", () => {
    const { mean, count } = pooled({
      mean: { first: 90, eot: 0, rest: 2 },
      count: { first: 4, eot: 0, rest: 60 },
    });
    expect(count).toEqual({ first: 0, eot: 0, rest: 64 });
    expect(mean.rest).toBe((4 * 90 + 60 * 2) / 64);
    expect(updateStdAverage(undefined, { mean, count }, 0.9)).toEqual({ rest: mean.rest });
  });
});

describe("positionClasses", () => {
  const ids = Int32Array.of(9, 5, 9, 7, 9, 9);

  it("puts the first position before end-of-text, and that before the rest", () => {
    expect([...positionClasses(ids, { B: 2, T: 3, eot: 9 })]).toEqual([0, 2, 1, 0, 1, 1]);
  });

  it("knows no end-of-text without its id, and no first position when there is a past", () => {
    expect([...positionClasses(ids, { B: 2, T: 3 })]).toEqual([0, 2, 2, 0, 2, 2]);
    expect([...positionClasses(ids, { B: 2, T: 3, eot: 9, past: 4 })]).toEqual([1, 2, 1, 2, 1, 1]);
  });

  it("gives B first positions and one class a token", () =>
    fc.assert(
      fc.property(world, ({ B, T, seed }) => {
        const classes = positionClasses(new Int32Array(B * T).fill(seed % 2), { B, T, eot: 0 });
        expect(classes.length).toBe(B * T);
        expect(classes.filter((k) => k === 0).length).toBe(B);
        expect(classes.filter((k) => k === 1).length).toBe(seed % 2 === 0 ? B * (T - 1) : 0);
      }),
    ));

  it("refuses ids that are not (B,T)", () => {
    expect(() => positionClasses(ids, { B: 2, T: 4 })).toThrow(/6 ids are not B·T = 2·4/);
  });
});
