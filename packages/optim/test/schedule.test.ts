import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { warmupCosine } from "../src/index.js";

const schedule = { peak: 6e-4, floor: 6e-5, warmupSteps: 100, totalSteps: 2000 };

describe("warm-up and cosine", () => {
  it("warms up linearly, peaks, falls to the floor and stays", () => {
    expect(warmupCosine(schedule, 0)).toBeCloseTo(6e-6, 12);
    expect(warmupCosine(schedule, 49)).toBeCloseTo(3e-4, 12);
    expect(warmupCosine(schedule, 100)).toBeCloseTo(6e-4, 12);
    expect(warmupCosine(schedule, 1050)).toBeCloseTo((6e-4 + 6e-5) / 2, 12);
    expect(warmupCosine(schedule, 2000)).toBe(6e-5);
    expect(warmupCosine(schedule, 99_999)).toBe(6e-5);
  });

  it("gives the published rates at the events of the 2024 run", () => {
    for (const [step, rate] of [
      [200, 5.96],
      [440, 5.58],
      [680, 4.85],
      [1040, 3.35],
      [1160, 2.81],
    ]) {
      expect(warmupCosine(schedule, step) * 1e4).toBeCloseTo(rate, 1.9);
    }
  });

  it("never leaves the range from 0 to the peak", () => {
    fc.assert(
      fc.property(
        fc.nat(100),
        fc.integer({ min: 101, max: 9999 }),
        fc.nat(20_000),
        (warmupSteps, totalSteps, step) => {
          const rate = warmupCosine({ peak: 1, floor: 0.1, warmupSteps, totalSteps }, step);
          expect(rate).toBeGreaterThan(0);
          expect(rate).toBeLessThanOrEqual(1);
          if (step >= warmupSteps) expect(rate).toBeGreaterThanOrEqual(0.1);
        },
      ),
    );
  });

  it("refuses what is no rate and no number of steps, by name", () => {
    const bad = { peak: [-1, NaN, Infinity], floor: [-1, NaN, Infinity] };
    const steps = [0.5, -1, NaN, Infinity];
    for (const [name, values] of Object.entries({ ...bad, warmupSteps: steps, totalSteps: steps })) {
      for (const value of values) {
        const rate = () => warmupCosine({ ...schedule, [name]: value }, 0);
        expect(rate).toThrow(RangeError);
        expect(rate).toThrow(`warmupCosine: ${name} is ${value}; it is a `);
      }
    }
    for (const step of steps) {
      expect(() => warmupCosine({ ...schedule, warmupSteps: 0 }, step)).toThrow(
        `warmupCosine: step is ${step}; it is a whole number from 0 up`,
      );
    }
  });
});
