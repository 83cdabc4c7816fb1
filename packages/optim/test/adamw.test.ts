import { reference, type Tensor, tensor } from "@normless/tensor";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AdamW } from "../src/index.js";

const options = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 };
const learningRate = 1e-2;

/** As nanoGPT has it. */
const decays = (_name: string, { shape }: Tensor) => shape.length >= 2;

describe("AdamW", () => {
  it("moves by the learning rate against the gradient's sign at first, and decays matrices only", async () => {
    const backend = reference();
    const params = { w: tensor(backend, [[2, -2]]), b: tensor(backend, [2, -2]) };
    const adam = new AdamW(backend, params, { ...options, decays });
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

  it("follows float32's moments in bfloat16, where rounding to the nearest would stay behind", async () => {
    const size = 4096;
    const after = async (moments: "float32" | "bfloat16") => {
      const backend = reference();
      const w = backend.upload(new Float32Array(size), [size]);
      const adam = new AdamW(backend, { w }, { beta1: 0.9, beta2: 0.999, moments });
      const grads = { w: backend.upload(new Float32Array(size).fill(1), [size]) };
      for (let i = 0; i < 500; i++) adam.update(grads, { learningRate: 1e-3 }).free();
      const { v } = await adam.save();
      return { v: v["w"].reduce((sum, x) => sum + x / size, 0), w: (await w.read())[0] };
    };
    const [full, half] = [await after("float32"), await after("bfloat16")];
    // v is 0.394; from 0.25 on half of the gap to the next bfloat16 is more than what an update adds.
    expect(Math.abs(half.v / full.v - 1)).toBeLessThan(1e-3);
    expect(Math.abs(half.w / full.w - 1)).toBeLessThan(0.02);
  });

  it("keeps moments in half of the memory, and goes on from a saved state with the same bits", async () => {
    const backend = reference({ precision: "float32" });
    const params = () => ({ w: tensor(backend, [[1, 2, 3]]) });
    const [whole, begun] = [params(), params()];
    const set = { ...options, moments: "bfloat16" } as const;
    const grads = [0.3, -0.7, 0.01].map((x) => ({ w: tensor(backend, [[x, 2 * x, -x]]) }));
    const step = { learningRate, maxNorm: 1 };
    const all = new AdamW(backend, whole, set);
    for (const grad of grads) all.update(grad, step);
    const first = new AdamW(backend, begun, set);
    first.update(grads[0], step);
    const second = new AdamW(backend, begun, set);
    second.load(await first.save());
    for (const grad of grads.slice(1)) second.update(grad, step);
    expect(await begun.w.read()).toEqual(await whole.w.read());
    expect(await second.save()).toEqual(await all.save());
  });

  it("goes on from a saved state with the bits of a run that never stopped, in float32", async () => {
    const values = fc.array(fc.float({ noNaN: true, min: -10, max: 10 }), { minLength: 3, maxLength: 3 });
    const run = async (grads: number[][], stop: number) => {
      const backend = reference({ precision: "float32" });
      const params = { w: tensor(backend, [[1, 2, 3]]) };
      let adam = new AdamW(backend, params, options);
      for (const [i, grad] of grads.entries()) {
        if (i === stop) {
          const state = await adam.save();
          adam.free();
          adam = new AdamW(backend, params, options);
          adam.load(state);
        }
        adam.update({ w: tensor(backend, [grad]) }, { learningRate, maxNorm: 1 }).free();
      }
      return { ...(await adam.save()), w: await params.w.read() };
    };
    await fc.assert(
      fc.asyncProperty(fc.array(values, { minLength: 1, maxLength: 6 }), fc.nat(5), async (grads, stop) => {
        expect(await run(grads, stop)).toEqual(await run(grads, -1));
      }),
    );
  });

  it("leaves nothing behind where memory ends while its moments are made", () => {
    const backend = reference();
    const params = { a: tensor(backend, [1]), b: tensor(backend, [[2, 3]]) };
    const run = backend.run.bind(backend);
    for (const enough of [0, 1, 2, 3]) {
      let left = enough;
      backend.run = (kernel, ...rest) => {
        if (left-- === 0) throw new Error("out of memory");
        return run(kernel, ...rest);
      };
      expect(() => new AdamW(backend, params, options)).toThrow("out of memory");
      expect(backend.memory().liveTensors).toBe(2);
    }
  });

  it("names the parameter without a gradient, or without a saved state", () => {
    const backend = reference();
    const adam = new AdamW(backend, { "h.0.ln_1.weight": tensor(backend, [1]) }, options);
    expect(() => adam.update({}, { learningRate, maxNorm: 1 })).toThrow(
      "parameter h.0.ln_1.weight has no gradient",
    );
    expect(() => adam.load({ step: 1, m: {}, v: {} })).toThrow(/no parameter h.0.ln_1.weight/);
  });

  it("refuses a gradient of another shape by name, before anything has changed", async () => {
    const backend = reference();
    const params = { a: tensor(backend, [1]), b: tensor(backend, [2, 3]) };
    const adam = new AdamW(backend, params, options);
    const grads = { a: tensor(backend, [0.1]), b: tensor(backend, [[0.2, 0.3]]) };
    const read = async () => [await adam.save(), await params.a.read(), await params.b.read()];
    const [before, { liveTensors }] = [await read(), backend.memory()];
    const step = { learningRate, maxNorm: 1 };
    expect(() => adam.update(grads, step)).toThrow(
      /the gradient of parameter b is not of its shape \(param \[2\], grad \[1,2\]\)\. Pass the gradients by/,
    );
    const freed = tensor(backend, [1, 2]);
    freed.free();
    expect(() => adam.update({ ...grads, b: freed }, step)).toThrow(/freed before this use/);
    expect(await read()).toEqual(before);
    expect(backend.memory().liveTensors).toBe(liveTensors);
  });

  it("refuses a saved state of another size by name, before anything has changed", async () => {
    const backend = reference();
    const adam = new AdamW(backend, { a: tensor(backend, [1]), b: tensor(backend, [2, 3]) }, options);
    const before = await adam.save();
    const [one, two] = [Float32Array.of(1), Float32Array.of(1, 2)];
    for (const state of [
      { step: 1, m: { a: one, b: one }, v: { a: one, b: two } },
      { step: 1, m: { a: one, b: two }, v: { a: one, b: one } },
    ]) {
      expect(() => adam.load(state)).toThrow(
        "the saved state has 1 values for parameter b, whose shape [2] takes 2; is it of another model?",
      );
    }
    const sizes = { a: one, b: two };
    for (const step of [NaN, -1, 0.5]) {
      expect(() => adam.load({ step, m: sizes, v: sizes })).toThrow(
        `the saved step is ${step}; it is a whole`,
      );
    }
    expect(await adam.save()).toEqual(before);
  });

  it("refuses options out of their range by name", () => {
    const backend = reference();
    const params = { a: tensor(backend, [1]) };
    for (const [name, values] of [
      ["beta1", [1, -0.1, NaN]],
      ["beta2", [1, -0.1, NaN]],
      ["eps", [0, -1, NaN, Infinity]],
      ["weightDecay", [-1, NaN, Infinity]],
    ] as const) {
      for (const value of values) {
        const make = () => new AdamW(backend, params, { ...options, [name]: value });
        expect(make).toThrow(RangeError);
        expect(make).toThrow(`AdamW: ${name} is ${value}; it is a `);
      }
    }
    const adam = new AdamW(backend, params, options);
    const { liveTensors } = backend.memory();
    for (const [name, values] of [
      ["learningRate", [-1, NaN, Infinity]],
      ["maxNorm", [-1, NaN]],
    ] as const) {
      for (const value of values) {
        const update = () => adam.update(params, { learningRate, maxNorm: 1, [name]: value });
        expect(update).toThrow(RangeError);
        expect(update).toThrow(`AdamW: ${name} is ${value}; it is a `);
      }
    }
    expect([adam.step, backend.memory().liveTensors]).toEqual([0, liveTensors]);
  });
});
