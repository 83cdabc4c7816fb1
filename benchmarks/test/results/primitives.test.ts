import { expect, it } from "vitest";
import { goalsOf } from "../../src/results/goals.js";
import {
  comparedOn,
  lowestRatio,
  meanRatio,
  slowerThanPeers,
  threadsOf,
} from "../../src/results/primitives.js";
import { suiteTable } from "../../src/results/text.js";
import { row, synthetic } from "../synthetic.js";

const at = (name: string, x: number, engine: string, threads: number, value: number) =>
  row("primitives", name, { engine, threads, value, x, unit: "µs", about: `(${x})` });

const rows = [
  at("add", 1024, "wasm", 1, 2),
  at("add", 1024, "wasm", 2, 4),
  at("add", 1024, "tfjs-wasm", 1, 8),
  at("add", 1024, "jax-js", 1, 6),
  at("add", 65536, "wasm", 1, 20),
  at("add", 65536, "wasm", 2, 10),
  at("add", 65536, "tfjs-wasm", 1, 15),
  at("sort", 1024, "wasm", 1, 5),
  at("sort", 1024, "wasm", 2, 5),
];
const results = { ...synthetic, rows };

it("compares with the better of the peers that have an op, at each size", () => {
  expect(threadsOf(rows)).toEqual([1, 2]);
  expect(comparedOn(rows, 1)).toEqual([
    { case: "add", x: 1024, ratio: 3 },
    { case: "add", x: 65536, ratio: 0.75 },
  ]);
  expect(comparedOn(rows, 2).map(({ ratio }) => ratio)).toEqual([1.5, 1.5]);
});

it("takes the geometric mean and the lowest, of nothing none", () => {
  const compared = comparedOn(rows, 1);
  expect(meanRatio(compared)).toBeCloseTo(1.5);
  expect(lowestRatio(compared)).toBe(0.75);
  expect(slowerThanPeers(compared)).toEqual([compared[1]]);
  expect([meanRatio([]), lowestRatio([])]).toEqual([undefined, undefined]);
});

it("puts an op on a line, its sizes side by side, and says in words what is slower", () => {
  const table = suiteTable(results, "primitives");
  expect(table?.head.slice(2)).toEqual([
    ...["wasm, 1 thread", "wasm, 2 threads", "tfjs-wasm, 1 thread", "jax-js, 1 thread"],
    ...["×, 1", "×, 2"],
  ]);
  expect(table?.rows).toEqual([
    [
      ...["`add`", "(65536)", "2.00 / 20.0", "4.00 / 10.0", "8.00 / 15.0", "6.00 / –"],
      ...["3.00 / 0.75", "1.50 / 1.50"],
    ],
    ["`sort`", "(1024)", "5.00 / –", "5.00 / –", "", "", "", ""],
  ]);
  expect(table?.note).toContain(
    "On 1 thread: 2 comparisons, geometric mean 1.50: 3.00 at 2^10, 0.75 at 2^16. Slower in 1: `add` (0.75 at 2^16).",
  );
  expect(table?.note).toContain(
    "On 2 threads: 2 comparisons, geometric mean 1.50: 1.50 at 2^10, 1.50 at 2^16. None is slower.",
  );
});

it("has the slowest and the mean among the goals, for one thread and for all", () => {
  const goals = goalsOf(results).filter(({ name }) => name.includes("primitive"));
  expect(goals.map(({ target }) => target)).toEqual([1, 3, 1, 3]);
  for (const [i, expected] of [0.75, 1.5, 1.5, 1.5].entries())
    expect(goals[i].measured).toBeCloseTo(expected);
});
