import { randomAt } from "@normless/random";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Bootstrap, type Groups, meanOf, quantiles } from "../src/index.js";

const groups = fc
  .array(fc.tuple(fc.double({ min: -9, max: 9, noNaN: true }), fc.integer({ min: 1, max: 5 })), {
    minLength: 2,
    maxLength: 12,
  })
  .map((rows): Groups => ({ sums: rows.map(([sum]) => sum), counts: rows.map(([, count]) => count) }));
const few = { resamples: 200, seed: 3 };

describe("quantiles", () => {
  it("interpolate between neighbours, as numpy's do", () => {
    // numpy.quantile([1, 2, 4, 8], [0, 0.025, 0.5, 0.9, 1])
    const values = Float64Array.of(4, 1, 8, 2);
    const found = quantiles(values, [0, 0.025, 0.5, 0.9, 1]);
    [1, 1.075, 3, 6.8, 8].forEach((expected, i) => expect(found[i]).toBeCloseTo(expected, 12));
    expect([...values]).toEqual([4, 1, 8, 2]);
    expect(() => quantiles(new Float32Array(), [0.5])).toThrow("there is no value");
  });

  it("leave the share of values below them that they are named for", () => {
    fc.assert(
      fc.property(
        fc.float32Array({ minLength: 1, maxLength: 60, noNaN: true, noDefaultInfinity: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, share) => {
          const [at] = quantiles(values, [share]);
          const place = share * (values.length - 1);
          const below = values.filter((value) => value < at).length;
          const notAbove = values.filter((value) => value <= at).length;
          expect(below).toBeLessThanOrEqual(Math.ceil(place));
          expect(notAbove).toBeGreaterThanOrEqual(Math.floor(place) + (at === Math.max(...values) ? 1 : 0));
        },
      ),
    );
  });
});

describe("the bootstrap", () => {
  it("draws whole groups with replacement, the same for all columns, as a naive one does", () => {
    fc.assert(
      fc.property(groups, fc.maxSafeInteger(), (a, seed) => {
        const b = { sums: Array.from(a.sums, (sum) => sum * sum), counts: a.counts };
        const resamples = 50;
        const mean = ({ sums, counts }: Groups, drawn: readonly number[]) =>
          drawn.reduce((sum, i) => sum + sums[i], 0) / drawn.reduce((sum, i) => sum + counts[i], 0);
        const expected = Array.from({ length: resamples }, (_, resample) => {
          const random = randomAt(seed, 0xb0075, resample);
          const drawn = Array.from({ length: a.sums.length }, () => random.below(a.sums.length));
          return mean(b, drawn) - mean(a, drawn);
        }).sort((x, y) => x - y);
        const bootstrap = new Bootstrap([a, b], { resamples, seed });
        const { value, interval } = bootstrap.estimate((means) => means[1] - means[0]);
        expect(value).toBe(meanOf(b) - meanOf(a));
        const at = (place: number) =>
          expected[Math.floor(place)] +
          (expected[Math.ceil(place)] - expected[Math.floor(place)]) * (place - Math.floor(place));
        expect(interval?.low).toBeCloseTo(at(0.025 * 49), 10);
        expect(interval?.high).toBeCloseTo(at(0.975 * 49), 10);
      }),
      { numRuns: 30 },
    );
  });

  it("is exact where nothing varies: groups all alike, a model against itself", () => {
    fc.assert(
      fc.property(groups, fc.double({ min: -9, max: 9, noNaN: true }), (own, shift) => {
        const alike = { sums: Array.from(own.counts, (count) => 0.5 * count), counts: own.counts };
        const moved = {
          sums: Array.from(own.sums, (sum, i) => sum + shift * own.counts[i]),
          counts: own.counts,
        };
        const bootstrap = new Bootstrap([own, alike, moved, own], few);
        const constant = bootstrap.estimate((means) => means[1]);
        expect(constant).toEqual({ value: 0.5, interval: { low: 0.5, high: 0.5 } });
        expect(bootstrap.estimate((means) => means[3] - means[0]).interval).toEqual({ low: 0, high: 0 });
        // What is the same in every group is no matter of chance.
        const { interval } = bootstrap.estimate((means) => means[2] - means[0]);
        expect(interval?.low).toBeCloseTo(shift, 10);
        expect(interval?.high).toBeCloseTo(shift, 10);
      }),
      { numRuns: 30 },
    );
  });

  it("finds the standard error that theory has for a mean", () => {
    const random = randomAt(5);
    const sums = Array.from({ length: 400 }, () => random.normal());
    const column = { sums, counts: sums.map(() => 1) };
    const { value, interval } = new Bootstrap([column], { resamples: 4000 }).estimate((means) => means[0]);
    const variance = sums.reduce((sum, x) => sum + (x - value) ** 2, 0) / sums.length;
    const half = 1.96 * Math.sqrt(variance / sums.length);
    expect(interval?.low).toBeCloseTo(value - half, 2);
    expect(interval?.high).toBeCloseTo(value + half, 2);
  });

  it("gives the same bits for the same seed, and others for another", () => {
    const column = { sums: [1, 5, 2, 8, 3], counts: [2, 3, 2, 3, 2] };
    const interval = (seed: number) =>
      new Bootstrap([column], { resamples: 100, seed }).estimate((means) => means[0]).interval;
    expect(interval(1)).toEqual(interval(1));
    expect(interval(1)).not.toEqual(interval(2));
  });

  it("has no interval for one group, never draws nothing but empty ones, and names columns that do not fit", () => {
    const one = new Bootstrap([{ sums: [3, 0], counts: [2, 0] }], few).estimate((means) => means[0]);
    expect(one).toEqual({ value: 1.5 });
    const sparse = new Bootstrap([{ sums: [0, 3, 0, 1], counts: [0, 1, 0, 1] }], few);
    expect(sparse.estimate((means) => means[0])).toEqual({ value: 2, interval: { low: 1, high: 3 } });
    const two = { sums: [1, 2], counts: [1, 1] };
    expect(() => new Bootstrap([two, { sums: [1], counts: [1] }])).toThrow(
      "column 1 has 1 sums and 1 counts, and the first column 2",
    );
    expect(() => new Bootstrap([{ sums: [0], counts: [0] }])).toThrow("column 0 holds no value");
  });
});
