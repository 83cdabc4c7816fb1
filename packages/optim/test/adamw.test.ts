import { reference, tensor } from "@normless/tensor";
import { describe, expect, it } from "vitest";
import { AdamW } from "../src/index.js";

const options = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 };
const learningRate = 1e-2;

describe("AdamW", () => {
  it("moves by the learning rate against the gradient's sign at first, and decays matrices only", async () => {
    const backend = reference();
    const params = { w: tensor(backend, [[2, -2]]), b: tensor(backend, [2, -2]) };
    const adam = new AdamW(backend, params, options);
    const grads = { w: tensor(backend, [[0.3, -4]]), b: tensor(backend, [0.3, -4]) };
    adam.update(grads, { learningRate, maxNorm: Infinity });
    const [b, w] = [await params.b.read(), await params.w.read()];
    expect(b[0]).toBeCloseTo(2 - learningRate, 8);
    expect(b[1]).toBeCloseTo(-2 + learningRate, 8);
    expect(w[0]).toBeCloseTo(2 * (1 - learningRate * 0.1) - learningRate, 8);
    expect(w[1]).toBeCloseTo(-2 * (1 - learningRate * 0.1) + learningRate, 8);
  });

  it("clips by the global norm, over all parameters, and returns its square", async () => {
    const backend = reference();
    const params = { a: tensor(backend, [0]), b: tensor(backend, [0]) };
    const adam = new AdamW(backend, params, { ...options, eps: 1 });
    const norm = adam.update(
      { a: tensor(backend, [3]), b: tensor(backend, [4]) },
      { learningRate, maxNorm: 1 },
    );
    expect(await norm.item()).toBe(25);
    // With eps 1, the first step is lr·g/(|g| + 1), where g is 3/5 and 4/5 after clipping.
    expect(await params.a.item()).toBeCloseTo((-learningRate * 0.6) / 1.6, 7);
    expect(await params.b.item()).toBeCloseTo((-learningRate * 0.8) / 1.8, 7);
  });

  it("changes nothing where one gradient is no number, in any parameter", async () => {
    const backend = reference();
    const params = { a: tensor(backend, [[2, 3]]), b: tensor(backend, [1]) };
    const adam = new AdamW(backend, params, options);
    const step = { learningRate, maxNorm: 1 };
    adam.update({ a: tensor(backend, [[0.1, 0.2]]), b: tensor(backend, [0.3]) }, step);
    const before = [await adam.save(), await params.a.read(), await params.b.read()];
    const norm = adam.update({ a: tensor(backend, [[0.1, 0.2]]), b: tensor(backend, [Infinity]) }, step);
    expect(await norm.item()).toBe(Infinity);
    expect([{ ...(await adam.save()), step: 1 }, await params.a.read(), await params.b.read()]).toEqual(
      before,
    );
  });

  it("goes on from a saved state as if it had never stopped", async () => {
    const run = async (stop: boolean) => {
      const backend = reference();
      const params = { w: tensor(backend, [[1, 2, 3]]) };
      const grads = { w: tensor(backend, [[0.1, -0.2, 0.3]]) };
      let adam = new AdamW(backend, params, options);
      for (let i = 0; i < 4; i++) {
        if (stop && i === 2) {
          const state = await adam.save();
          adam.free();
          adam = new AdamW(backend, params, options);
          backend.write(params.w, Float32Array.from(await params.w.read()));
          adam.load(state);
        }
        adam.update(grads, { learningRate, maxNorm: 1 }).free();
      }
      return { step: adam.step, w: await params.w.read() };
    };
    const [whole, resumed] = [await run(false), await run(true)];
    expect(resumed.step).toBe(4);
    for (let i = 0; i < 3; i++) expect(resumed.w[i]).toBeCloseTo(whole.w[i], 6);
  });

  it("names the parameter without a gradient, or without a saved state", () => {
    const backend = reference();
    const adam = new AdamW(backend, { "h.0.ln_1.weight": tensor(backend, [1]) }, options);
    expect(() => adam.update({}, { learningRate, maxNorm: 1 })).toThrow(
      "parameter h.0.ln_1.weight has no gradient",
    );
    expect(() => adam.load({ step: 1, m: {}, v: {} })).toThrow(/no parameter h.0.ln_1.weight/);
  });
});
