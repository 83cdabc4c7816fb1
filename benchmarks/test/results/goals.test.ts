import { expect, it } from "vitest";
import { goalsOf, isMet } from "../../src/results/goals.js";
import { row, synthetic } from "../synthetic.js";

function goal(name: string, results = synthetic) {
  const found = goalsOf(results).find((one) => one.name === name);
  if (!found) throw new Error(`no goal ${name}`);
  return found;
}

it.each([
  ["mlp_in against tfjs-wasm", 90 / 25, true],
  ["mlp_in against the micro-kernel's rate times the threads", 90 / (2 * 50), true],
  ["the slowest layout of GPT-2's products against mlp_in", 0.7, false],
  ["step of tiny against PyTorch", 2, true],
  ["step of small_1x1024 against PyTorch", 1.2, true],
  ["peak memory of small_1x1024 against PyTorch's", 0.75, true],
  ["handing an op to two threads and back", 12, false],
])("%s is %d", (name, measured, met) => {
  expect(goal(name).measured).toBeCloseTo(measured, 10);
  expect(isMet(goal(name))).toBe(met);
});

it("leaves open what was not measured", () => {
  for (const name of ["mlp_in against jax-js", "npm start, once built", "step of base against PyTorch"]) {
    expect(goal(name).measured).toBeUndefined();
    expect(isMet(goal(name))).toBeUndefined();
  }
});

it("compares two threads with one, whichever was measured first", () => {
  const one = row("steps", "small_1x256", { threads: 1, value: 30 });
  const two = row("steps", "small_1x256", { threads: 2, value: 57 });
  for (const rows of [
    [one, two],
    [two, one],
  ]) {
    expect(goal("step of small_1x256, 2 threads against 1", { ...synthetic, rows }).measured).toBeCloseTo(
      1.9,
    );
  }
});

it("takes PyTorch in the form that is faster, and for memory in the one that takes less", () => {
  const ours = row("steps", "small_1x1024", { value: 30, peakBytes: 3e9 });
  const theirs = { engine: "pytorch", peakBytes: 4e9 };
  const eager = row("steps", "small_1x1024", { ...theirs, form: "eager", value: 40 });
  const compiled = row("steps", "small_1x1024", { ...theirs, form: "compiled", value: 60, peakBytes: 6e9 });
  for (const rows of [
    [ours, eager, compiled],
    [ours, compiled, eager],
  ]) {
    expect(goal("step of small_1x1024 against PyTorch", { ...synthetic, rows }).measured).toBeCloseTo(0.5);
    expect(
      goal("peak memory of small_1x1024 against PyTorch's", { ...synthetic, rows }).measured,
    ).toBeCloseTo(0.75);
  }
  const rows = [ours, eager];
  expect(goal("step of small_1x1024 against PyTorch", { ...synthetic, rows }).measured).toBeCloseTo(0.75);
});

it("measures the native engine against PyTorch by its own rows, in products, steps and generation", () => {
  const rows = [
    ...["wasm", "native", "pytorch"].map((engine, i) => row("kernels", "lm_head", { engine, value: 10 + i })),
    ...["wasm", "native", "pytorch"].map((engine, i) => row("steps", "mini", { engine, value: 20 + i })),
    ...["wasm", "native", "pytorch"].map((engine, i) =>
      row("generation", "small", { engine, value: 30 + i }),
    ),
  ];
  const results = { ...synthetic, rows };
  expect(goal("lm_head with native against PyTorch", results).measured).toBeCloseTo(11 / 12);
  expect(goal("step of mini with native against PyTorch", results).measured).toBeCloseTo(21 / 22);
  expect(goal("generation of small with native against PyTorch", results).measured).toBeCloseTo(31 / 32);
  expect(goal("step of base with native against PyTorch", results).measured).toBeUndefined();
  // Which takes it where it is built.
  const removal = ["wasm", "native"].map((engine, i) =>
    row("removal", "distilled", { engine, value: 240 - 100 * i, unit: "s" }),
  );
  expect(goal("npm start, once built", { ...synthetic, rows: removal }).measured).toBe(140);
});

it("measures the system's BLAS against PyTorch by its own rows", () => {
  const rows = [
    row("steps", "base", { value: 40 }),
    row("steps", "base", { engine: "blas", value: 60 }),
    row("steps", "base", { engine: "pytorch", value: 20 }),
  ];
  expect(goal("step of base against PyTorch", { ...synthetic, rows }).measured).toBeCloseTo(2);
  expect(goal("step of base with blas against PyTorch", { ...synthetic, rows }).measured).toBeCloseTo(3);
});
