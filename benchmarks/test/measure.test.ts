import fc from "fast-check";
import { expect, it } from "vitest";
import { inTurns, median, timingOf } from "../src/measure.js";

const times = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 });

it("has as many values above the median as below it, in any order", () => {
  fc.assert(
    fc.property(times, (values) => {
      const middle = median(values);
      const [below, above] = [values.filter((v) => v < middle), values.filter((v) => v > middle)];
      expect(Math.max(below.length, above.length)).toBeLessThanOrEqual(values.length / 2);
      expect(median([...values].reverse())).toBe(middle);
      const { fastest, slowest, runs } = timingOf(values);
      expect(fastest <= middle && middle <= slowest).toBe(true);
      expect(runs).toBe(values.length);
    }),
  );
});

it("refuses the median of nothing", () => {
  expect(() => median([])).toThrow(RangeError);
});

it("lets contenders take turns, and leaves the warm-up out", async () => {
  const order: string[] = [];
  const contender = (name: string, ms: readonly number[]) => {
    let turn = 0;
    return {
      name,
      run() {
        order.push(name);
        return Promise.resolve(ms[turn++]);
      },
    };
  };
  const timings = await inTurns([contender("a", [900, 1, 3, 2]), contender("b", [900, 5, 5, 5])], {
    rounds: 3,
    warmup: 1,
  });
  expect(order.join("")).toBe("abababab");
  expect(timings).toEqual([
    { median: 2, fastest: 1, slowest: 3, runs: 3 },
    { median: 5, fastest: 5, slowest: 5, runs: 3 },
  ]);
});
