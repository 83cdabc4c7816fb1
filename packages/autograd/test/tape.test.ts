import { reference, tensor } from "@normless/tensor";
import { describe, expect, it } from "vitest";
import {
  add,
  evaluate,
  linear,
  matmul,
  mean,
  mul,
  type Parameters,
  square,
  sum,
  Tape,
  valueAndGrad,
} from "../src/index.js";

const backend = reference();

describe("the tape", () => {
  it("frees all that a step made, and keeps the value and the gradients for the caller", () => {
    const local = reference();
    const w = tensor(local, [[0.5], [-1]]);
    const x = tensor(local, [
      [1, 2],
      [3, 4],
    ]);
    const step = () => {
      const { value, grads } = valueAndGrad((v) => mean(square(matmul(x, v.w))), { w });
      const live = local.memory().liveTensors;
      value.free();
      grads.w.free();
      return live;
    };
    expect(step()).toBe(4); // x, w, the value, the gradient
    const live = local.memory();
    for (let i = 0; i < 200; i++) step();
    expect(local.memory()).toEqual(live);
  });

  it("accumulates into given gradients: two micro-batches equal the whole batch", async () => {
    const w = tensor(backend, [[0.5], [-1]]);
    const whole = tensor(backend, [
      [1, 2],
      [3, 4],
    ]);
    const total = valueAndGrad((v) => sum(square(matmul(whole, v.w))), { w }).grads.w;
    const first = valueAndGrad((v) => sum(square(matmul(tensor(backend, [[1, 2]]), v.w))), { w }).grads;
    valueAndGrad((v) => sum(square(matmul(tensor(backend, [[3, 4]]), v.w))), { w }, first);
    expect(await first.w.array()).toEqual(await total.array());
  });

  it("makes the gradient of a leaf that has none, for who takes it, and frees what nobody takes", async () => {
    const local = reference();
    const [a, b] = [tensor(local, [1, 2]), tensor(local, [3, 4])];
    const tape = new Tape(local);
    const [one, other] = [tape.leaf(a), tape.leaf(b)];
    tape.backward(sum(mul(one, mul(one, other))));
    const gradient = tape.takeGradient(one);
    expect(await gradient.array()).toEqual([6, 16]);
    tape.free();
    expect(local.memory().liveTensors).toBe(3);
    expect(await gradient.array()).toEqual([6, 16]);
  });

  it("frees intermediates of a scope early when it does not record", () => {
    const local = reference();
    const tape = new Tape(local, { record: false });
    const x = tape.constant(tensor(local, [1, 2, 3]));
    const y = tape.scope(() => add(mul(x, x), mul(x, x)));
    expect(local.memory().liveTensors).toBe(2);
    tape.free();
    expect(local.memory().liveTensors).toBe(1);
    expect(y.tensor.freed).toBe(true);
  });

  it("evaluates without gradients and leaves only the result", async () => {
    const local = reference();
    const x = tensor(local, [3]);
    const y = evaluate((v) => sum(square(v.x)), { x });
    expect(await y.item()).toBe(9);
    expect(local.memory().liveTensors).toBe(2);
  });

  it("leaves a parameter that the loss does not use with a gradient of zero", async () => {
    const { grads } = valueAndGrad((v) => sum(v.a), {
      a: tensor(backend, [1, 2]),
      b: tensor(backend, [1, 2]),
    });
    expect(await grads.a.array()).toEqual([1, 1]);
    expect(await grads.b.array()).toEqual([0, 0]);
  });

  it("says what is wrong", () => {
    const a = tensor(backend, [1, 2]);
    const [one, two] = [new Tape(backend), new Tape(backend)];
    expect(() => add(one.constant(a), two.constant(a))).toThrow(/on two tapes/);
    expect(() => valueAndGrad((v) => v.a, { a })).toThrow(/has shape \[2\]; reduce it to a scalar/);
    expect(() => valueAndGrad((v) => sum(v.a.tape.constant(a)), { a })).toThrow(/depends on no leaf/);
    const none: Parameters = {};
    expect(() => evaluate((v) => sum(v.a), none)).toThrow(/there are no parameters/);
    expect(() => linear(one.constant(a), tensor(backend, [[1], [2], [3]]))).toThrow(
      /linear: x has 2 channels, w takes 3 \(x \[2\], w \[3,1\]\)/,
    );
  });
});
