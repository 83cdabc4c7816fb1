/** Divergences against their definitions, and the calibration error of cases made by hand. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addPrediction,
  calibrationBins,
  calibrationError,
  calibrationSums,
} from "../src/compare/calibration.js";
import { comparePredictions } from "../src/compare/divergences.js";
import { softmax } from "@normless/gpt2/testing";

const logit = fc.double({ min: -30, max: 30, noNaN: true });
const pair = fc
  .integer({ min: 1, max: 12 })
  .chain((V) =>
    fc.tuple(
      fc.array(logit, { minLength: V, maxLength: V }),
      fc.array(logit, { minLength: V, maxLength: V }),
      fc.nat(V - 1),
    ),
  );

/** Σ p·log(p/q), straight from the definition. */
const kl = (p: number[], q: number[]) =>
  p.reduce((sum, value, i) => sum + (value === 0 ? 0 : value * Math.log(value / q[i])), 0);

describe("comparePredictions", () => {
  it("gives what the definitions give", () => {
    fc.assert(
      fc.property(pair, ([a, b, target]) => {
        const [p, q] = [softmax(a), softmax(b)];
        const m = p.map((value, i) => (value + q[i]) / 2);
        const found = comparePredictions(a, b, target);
        const expected = {
          a: {
            loss: -Math.log(p[target]),
            entropy: -p.reduce((sum, x) => sum + x * Math.log(x), 0),
            top: p.indexOf(Math.max(...p)),
            confidence: Math.max(...p),
          },
          klAB: kl(p, q),
          klBA: kl(q, p),
          jsd: (kl(p, m) + kl(q, m)) / 2,
        };
        expect(found.a.loss).toBeCloseTo(expected.a.loss, 9);
        expect(found.a.entropy).toBeCloseTo(expected.a.entropy, 9);
        expect(p[found.a.top]).toBe(expected.a.confidence);
        expect(found.a.confidence).toBeCloseTo(expected.a.confidence, 12);
        expect(found.klAB).toBeCloseTo(expected.klAB, 9);
        expect(found.klBA).toBeCloseTo(expected.klBA, 9);
        expect(found.jsd).toBeCloseTo(expected.jsd, 9);
      }),
    );
  });

  it("is never negative, symmetric where it must be, and at most log 2", () => {
    fc.assert(
      fc.property(pair, ([a, b, target]) => {
        const [ab, ba] = [comparePredictions(a, b, target), comparePredictions(b, a, target)];
        expect(Math.min(ab.klAB, ab.klBA, ab.jsd, ab.a.entropy)).toBeGreaterThanOrEqual(0);
        expect(ab.jsd).toBeLessThanOrEqual(Math.LN2);
        expect(ba.jsd).toBeCloseTo(ab.jsd, 12);
        expect(ba.klAB).toBe(ab.klBA);
        expect(ba.a).toEqual(ab.b);
      }),
    );
  });

  it("is 0 to the bit for equal logits, and for logits that differ by a constant as good as 0", () => {
    fc.assert(
      fc.property(pair, logit, ([a, , target], constant) => {
        expect(comparePredictions(a, a, target)).toMatchObject({ klAB: 0, klBA: 0, jsd: 0 });
        const moved = comparePredictions(
          a,
          a.map((value) => value + constant),
          target,
        );
        expect(Math.max(moved.klAB, moved.jsd)).toBeLessThan(1e-12);
      }),
    );
  });

  it("is finite where a probability is beyond float64, and exact where smoothing would not be", () => {
    const { klAB, jsd } = comparePredictions([0, -2000], [-2000, 0], 0);
    expect(klAB).toBe(2000);
    expect(jsd).toBe(Math.LN2);
    // One far logit apart: ½·1e-12·(…) in nats; 1e-8 added to each probability would swamp it.
    const tiny = Math.log(1e-12);
    const a = comparePredictions([0, tiny], [0, tiny - 1], 0);
    expect(a.jsd).toBeGreaterThan(0);
    expect(a.jsd).toBeLessThan(1e-12);
  });
});

describe("calibrationError", () => {
  it("is the mean gap between confidence and accuracy, weighed by bin", () => {
    const sums = calibrationSums();
    // Bin 15, (14/15, 1]: sure at 0.95 and 1, right once of twice: |0.5 − 0.975| for 2 of 5.
    addPrediction(sums, 0.95, true);
    addPrediction(sums, 1, false);
    // Bin 5, (4/15, 5/15]: 1/3 is its upper edge; right once of three: |1/3 − 0.31| for 3 of 5.
    addPrediction(sums, 1 / 3, true);
    addPrediction(sums, 0.3, false);
    addPrediction(sums, 0.93 - 1 / 3 - 0.3, false);
    expect(calibrationError(sums)).toBeCloseTo((2 * 0.475 + 3 * (1 / 3 - 0.31)) / 5, 12);
    const bins = calibrationBins(sums);
    expect(bins).toHaveLength(15);
    expect(bins[14]).toMatchObject({ count: 2, confidence: 0.975, accuracy: 0.5, high: 1 });
    expect(bins[4].count).toBe(3);
    expect(bins[0]).toMatchObject({ count: 0, confidence: undefined, accuracy: undefined, low: 0 });
  });

  it("is 0 with nothing counted, and never above 1", () => {
    expect(calibrationError(calibrationSums())).toBe(0);
    const prediction = fc.tuple(fc.double({ min: 1e-6, max: 1, noNaN: true }), fc.boolean());
    fc.assert(
      fc.property(fc.array(prediction, { minLength: 1 }), (predictions) => {
        const sums = calibrationSums();
        for (const [confidence, right] of predictions) addPrediction(sums, confidence, right);
        expect(calibrationError(sums)).toBeLessThanOrEqual(1);
        expect(calibrationBins(sums).reduce((total, { count }) => total + count, 0)).toBe(predictions.length);
      }),
    );
  });
});
