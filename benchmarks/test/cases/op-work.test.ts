/** The operations and bytes of ops, against sums by hand. */
import { reference } from "@normless/tensor";
import { random } from "@normless/tensor/testing";
import { expect, it } from "vitest";
import { type OpCall, opWork } from "../../src/cases/op-work.js";

const backend = reference();
const up = (...shape: number[]) => {
  const { data } = random(shape, 1);
  return backend.upload(data, shape);
};
const [x, w, dy] = [up(2, 3, 5), up(5, 7), up(2, 3, 7)];

it("counts what the three layouts of a product have in common: 2·N·K·M", () => {
  const flops = 2 * 6 * 5 * 7;
  const into = { y: up(2, 3, 7) };
  const forward: OpCall = {
    kernel: "linear",
    inputs: { x, w },
    outputs: backend.run("linear", { x, w }, {}),
    into,
  };
  expect(opWork(forward)).toEqual({ flops, bytes: 4 * (30 + 35 + 42 + 42) });
  const dx = backend.run("linearGradInput", { dy, w }, {});
  expect(opWork({ kernel: "linearGradInput", inputs: { dy, w }, outputs: dx, into: {} }).flops).toBe(flops);
  const dw = backend.run("linearGradWeight", { x, dy }, {});
  expect(opWork({ kernel: "linearGradWeight", inputs: { x, dy }, outputs: dw, into: {} }).flops).toBe(flops);
});

it("counts the pairs of positions that see each other: 10 of 16 at T = 4", () => {
  const q = up(2, 4, 6);
  const inputs = { q, k: q, v: q };
  const outputs = backend.run("attention", inputs, { heads: 2 });
  expect(opWork({ kernel: "attention", inputs, outputs, into: {} }).flops).toBe(2 * 2 * (2 * 10 * 6));
});

it("leaves arithmetic out where bytes bound it", () => {
  const outputs = backend.run("binary", { a: x, b: x }, { op: "add" });
  expect(opWork({ kernel: "binary", inputs: { a: x, b: x }, outputs, into: {} })).toEqual({
    flops: 0,
    bytes: 360,
  });
});

it("counts what is changed in place twice, but what is filled once", () => {
  const [a, b] = [up(10), up(10)];
  const normSquared = backend.upload(Float32Array.of(1), []);
  const inputs = {
    param: a,
    grad: b,
    m: up(10),
    v: backend.run("unary", { x: a }, { op: "square" }).y,
    normSquared,
  };
  expect(opWork({ kernel: "adamw", inputs, outputs: {}, into: {} }).bytes).toBe(4 * (7 * 10 + 1));
  expect(opWork({ kernel: "fill", inputs: { x: a }, outputs: {}, into: {} }).bytes).toBe(40);
});
