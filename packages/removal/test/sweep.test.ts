/** What several runs come to: spreads over seeds, and the most that a batch cost. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { spreadOf } from "@normless/statistics";
import { worstSpike } from "../src/index.js";

it("a spread is mean, lowest, highest and standard deviation of what is a number", () => {
  expect(spreadOf([])).toBeUndefined();
  expect(spreadOf([undefined, NaN])).toBeUndefined();
  expect(spreadOf([3, undefined])).toEqual({ count: 1, mean: 3, low: 3, high: 3 });
  // Mean 4, squares 4 + 0 + 4 over n − 1.
  expect(spreadOf([2, 4, Infinity, 6])).toEqual({ count: 3, mean: 4, low: 2, high: 6, std: 2 });
  const values = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 2 });
  fc.assert(
    fc.property(values, fc.double({ min: -1e3, max: 1e3, noNaN: true }), (some, by) => {
      const [spread, moved] = [spreadOf(some)!, spreadOf(some.map((value) => value + by))!];
      expect(spread.low).toBeLessThanOrEqual(spread.mean + 1e-9);
      expect(spread.mean).toBeLessThanOrEqual(spread.high + 1e-9);
      expect(moved.mean).toBeCloseTo(spread.mean + by, 6);
      expect(moved.std).toBeCloseTo(spread.std!, 6);
    }),
  );
});

it("the worst spike is against the control's loss on the same batch, or the distance from the original", () => {
  const step = (phase: "control" | "removal", at: number, loss: number) => ({ phase, step: at, loss });
  const removal = [step("removal", 1, 3), step("removal", 2, 5), step("removal", 3, NaN)];
  expect(worstSpike(removal)).toBe(5);
  expect(worstSpike([step("control", 1, 1), step("control", 2, 4), ...removal])).toBe(2);
  expect(worstSpike([step("control", 1, 1)])).toBeUndefined();
});
