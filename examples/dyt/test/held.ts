/** What every engine is held to, shared with test/webgpu. */
import type { Backend, Tensor } from "@normless/tensor";
import { opConformance, random, scalar, values } from "@normless/tensor/testing";
import { expect } from "vitest";
import { dyt } from "../src/dyt.js";
import { initialize, train } from "../src/gpt2.js";

const cases = [[1], [7], [3, 5], [2, 3, 4], [300, 33]].map((shape) => {
  const C = shape[shape.length - 1];
  const [gamma, beta] = [random([C], 3), random([C], 4)];
  return {
    name: shape.join("×"),
    inputs: { x: random(shape, 1, 3), alpha: random([], 2), gamma, beta },
    attributes: {},
  };
});
const far = {
  name: "far out",
  inputs: {
    x: values([1e30, -1e30, 400, -400], [2, 2]),
    alpha: scalar(2),
    gamma: values([1, 2]),
    beta: values([0, 1]),
  },
  attributes: {},
};

/** The op against its loop; `as` gives the op to test, with some of its kernels left out. */
export const checks = (as: (op: typeof dyt.op) => typeof dyt.op = (op) => op) =>
  opConformance(as(dyt.op), [...cases, far]);

/** A few updates: the loss falls, alpha moves, and nothing is left alive. */
export async function trains(backend: Backend): Promise<void> {
  const params = await initialize(backend, 1);
  const before = backend.memory().liveTensors;
  const losses = await train(params, { steps: 20, rows: 4, seed: 2 });
  expect(losses.every(Number.isFinite)).toBe(true);
  expect(losses[0]).toBeCloseTo(Math.log(64), 0);
  expect(losses[19]).toBeLessThan(0.9 * losses[0]);
  expect(await params["h.0.ln_1.alpha"].item()).not.toBe(0.5);
  expect(backend.memory().liveTensors).toBe(before);
  for (const tensor of Object.values<Tensor>(params)) tensor.free();
  expect(backend.memory().liveTensors).toBe(0);
}
