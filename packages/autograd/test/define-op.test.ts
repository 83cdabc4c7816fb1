/** An op of one's own: DyT's scaled tanh, which no package of ours has. */
import { reference, type Tensor, tensor } from "@normless/tensor";
import { opConformance, random } from "@normless/tensor/testing";
import { describe, expect, it, vi } from "vitest";
import {
  defineOp,
  gradientCheck,
  mul,
  square,
  sub,
  sum,
  tanh,
  Tape,
  type Variable,
  valueAndGrad,
} from "../src/index.js";

/** y = tanh(alpha · x), alpha a scalar: Zhu et al. 2025, "Transformers without Normalization", without gamma and beta. */
const scaledTanh = defineOp<Readonly<Record<never, never>>>()({
  name: "scaledTanh",
  inputs: ["x", "alpha"],
  outputs: ["y"],
  infer: ({ x }) => ({ y: x }),
  naive({ x, alpha }, _attributes, { y }) {
    for (let i = 0; i < y.data.length; i++) y.data[i] = Math.tanh(alpha.data[0] * x.data[i]);
  },
  gradients: {
    x: ({ dy, inputs: { alpha }, outputs: { y } }) => mul(mul(dy, sub(1, square(y))), alpha),
    // Of x's shape: it is summed to alpha's, which was repeated over it.
    alpha: ({ dy, inputs: { x }, outputs: { y } }) => mul(mul(dy, sub(1, square(y))), x),
  },
});

const cases = [[3], [5, 7]].map((shape) => ({
  name: shape.join("×"),
  inputs: { x: random(shape, 1, 3), alpha: random([], 2) },
  attributes: {},
}));

describe("an op of one's own", () => {
  for (const check of opConformance(scaledTanh.op, cases, { tolerance: 1e-6 })) {
    it(check.name, () => check.run(reference({ precision: "float32" })));
  }

  it("is a function of tensors, as others are", async () => {
    const backend = reference();
    const x = tensor(backend, [0.5, -2]);
    const alpha = tensor(backend, 0.7);
    const y: Tensor = scaledTanh({ x, alpha }, {});
    const expected = tanh(mul(x, alpha));
    expect(await y.read()).toEqual(await expected.read());
  });

  it("has the gradients of central differences, and leaves nothing", async () => {
    const backend = reference();
    const params = { x: tensor(backend, [0.5, -2, 1]), alpha: tensor(backend, 0.7) };
    const loss = ({ x, alpha }: Readonly<Record<"x" | "alpha", Variable>>) =>
      sum(mul(scaledTanh({ x, alpha }, {}), x));
    const before = backend.memory().liveTensors;
    expect((await gradientCheck(loss, params)).relative).toBeLessThan(1e-8);
    const { value, grads } = valueAndGrad(loss, params);
    for (const made of [value, grads.x, grads.alpha]) made.free();
    expect(backend.memory().liveTensors).toBe(before);
  });

  it("is on the tape where an operand is, without gradients where it has none", () => {
    const twice = defineOp<Readonly<Record<never, never>>>()({
      name: "twice",
      inputs: ["x"],
      outputs: ["y"],
      infer: ({ x }) => ({ y: x }),
      naive: ({ x }, _attributes, { y }) => x.data.forEach((value, i) => (y.data[i] = 2 * value)),
    });
    const backend = reference();
    const tape = new Tape(backend);
    const x = tape.leaf(tensor(backend, [1, 2]));
    const loss = sum(twice({ x }, {}));
    tape.backward(loss);
    tape.free();
  });

  it("says what is wrong before anything runs", () => {
    const warn = vi.spyOn(console, "warn");
    const backend = reference();
    const x = tensor(backend, [1]);
    expect(() => scaledTanh({ x, alpha: undefined as unknown as Tensor }, {})).toThrow(/alpha is missing/);
    expect(warn).not.toHaveBeenCalled();
  });
});
