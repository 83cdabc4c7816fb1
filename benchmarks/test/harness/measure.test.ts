import fc from "fast-check";
import { expect, it } from "vitest";
import { inTurns, median, timingOf } from "../../src/harness/measure.js";

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

const contender = (name: string, ms: readonly number[], order: string[]) => {
  let run = 0;
  return {
    name,
    run() {
      order.push(name);
      return Promise.resolve(ms[run++]);
    },
  };
};

it("lets contenders take turns, and leaves the warm-up out", async () => {
  const order: string[] = [];
  const contenders = [
    contender("a", [900, 100, 300, 200], order),
    contender("b", [900, 500, 500, 500], order),
  ];
  const timings = await inTurns(contenders, { rounds: 3, warmup: 1 });
  expect(order.join("")).toBe("abababab");
  expect(timings).toEqual([
    { median: 200, fastest: 100, slowest: 300, runs: 3 },
    { median: 500, fastest: 500, slowest: 500, runs: 3 },
  ]);
});

it("fills a turn with runs that are short, and counts their mean once", async () => {
  const order: string[] = [];
  const contenders = [contender("a", [29, 31, 20, 20, 20], order), contender("b", [50, 70], order)];
  const timings = await inTurns(contenders, { rounds: 2, warmup: 0 });
  expect(order.join("")).toBe("aabaaab");
  expect(timings.map(({ fastest, slowest, runs }) => [fastest, slowest, runs])).toEqual([
    [20, 30, 2],
    [50, 70, 2],
  ]);
});
