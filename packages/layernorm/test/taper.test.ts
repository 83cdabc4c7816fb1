import { expectClose } from "@normless/tensor/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  meanOf,
  measureTaper,
  type MovingMean,
  taperGate,
  taperStd,
  updateMovingMean,
} from "../src/index.js";
import { backend, residual, up, world } from "./support.js";

describe("taperGate", () => {
  it("is 1 up to the beginning, half a cosine, and exactly 0 from the end on", () => {
    const span = { begin: 10, end: 30 };
    expect([0, 10, 30, 31].map((step) => taperGate(step, span))).toEqual([1, 1, 0, 0]);
    expect(taperGate(20, span)).toBeCloseTo(0.5, 15);
    expect(taperGate(15, span)).toBeCloseTo(0.5 * (1 + Math.SQRT1_2), 15);
  });

  it("only falls, and stays in [0, 1]", () =>
    fc.assert(
      fc.property(fc.nat(50), fc.integer({ min: 1, max: 50 }), fc.nat(120), (begin, length, step) => {
        const span = { begin, end: begin + length };
        const [now, next] = [taperGate(step, span), taperGate(step + 1, span)];
        expect(next).toBeLessThanOrEqual(now);
        expect(now).toBeLessThanOrEqual(1);
        expect(next).toBeGreaterThanOrEqual(0);
      }),
    ));
});

/** The centred rows of x, (B·T,C), times gamma, and each row's std. */
function rows(sizes: { B: number; T: number; C: number; seed: number }, eps: number) {
  const { x, gamma } = residual(sizes);
  const { C } = sizes;
  return Array.from({ length: sizes.B * sizes.T }, (_, n) => {
    const row = Array.from(x.data.subarray(n * C, (n + 1) * C));
    const mean = row.reduce((sum, value) => sum + value, 0) / C;
    const std = Math.sqrt(row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / C + eps);
    return { scaled: row.map((value, c) => (value - mean) * gamma[c]), std };
  });
}

describe("the calibration", () => {
  const eps = 1e-3;

  it("sums ‖(x−mean)·gamma‖²/std and ‖(x−mean)·gamma‖² over the tokens", () =>
    fc.assert(
      fc.asyncProperty(world, async (sizes) => {
        const { x, classes, operands } = residual(sizes);
        const { gamma, classes: device } = operands(classes);
        const before = backend.memory().liveBytes;
        const measured = measureTaper(up(x), { gamma, classes: device, eps });
        const expected = rows(sizes, eps).map(({ scaled, std }) => {
          const energy = scaled.reduce((sum, value) => sum + value * value, 0);
          return [energy / std, energy];
        });
        const sum = (i: number) => expected.reduce((total, row) => total + row[i], 0);
        expectClose("numerator", await measured.numerator.read(), [sum(0)], 1e-9);
        expectClose("denominator", await measured.denominator.read(), [sum(1)], 1e-9);
        measured.numerator.free();
        measured.denominator.free();
        // x itself is all that is left.
        expect(backend.memory().liveBytes - before).toBe(x.data.length * 8);
      }),
    ));

  it("gives the std with which the frozen branch is nearest to LayerNorm, in the least squares sense", () =>
    fc.assert(
      fc.property(world, ({ B, T, C, seed }) => {
        fc.pre(C > 1);
        const tokens = rows({ B, T, C, seed }, eps);
        const energy = ({ scaled }: { scaled: number[] }) =>
          scaled.reduce((sum, value) => sum + value * value, 0);
        const total = (of: (token: (typeof tokens)[number]) => number) =>
          tokens.reduce((sum, token) => sum + of(token), 0);
        const once = (value: number): MovingMean => ({ sum: value, weight: 1 });
        const best = taperStd({
          numerator: once(total((token) => energy(token) / token.std)),
          denominator: once(total(energy)),
        });
        const distance = (std: number) => total((token) => energy(token) * (1 / token.std - 1 / std) ** 2);
        for (const other of [0.99, 1.01]) {
          expect(distance(best)).toBeLessThanOrEqual(distance(best * other));
        }
      }),
    ));

  it("refuses what was never measured", () => {
    const nothing: MovingMean = { sum: 0, weight: 0 };
    expect(() => taperStd({ numerator: nothing, denominator: nothing })).toThrow(/NaN is no std/);
  });
});

describe("the moving mean", () => {
  it("is that of exponential weights, free of the start", () =>
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.1, max: 9, noNaN: true }), { minLength: 1, maxLength: 20 }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        (values, keep) => {
          const mean = values.reduce<MovingMean | undefined>(
            (before, value) => updateMovingMean(before, value, keep),
            undefined,
          );
          const weights = values.map((_, i) => keep ** (values.length - 1 - i));
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          const expected = values.reduce((sum, value, i) => sum + value * weights[i], 0) / total;
          expect(meanOf(mean!)).toBeCloseTo(expected, 10);
        },
      ),
    ));
});
