import { evaluate, grad, gradientCheck, mul, sum } from "@normless/autograd";
import { forward, freeTokens, trainingLoss, uploadTargets, uploadTokens } from "@normless/gpt2";
import { reference, tensor } from "@normless/tensor";
import { gpu } from "@normless/tensor/gpu";
import { wasm } from "@normless/tensor-wasm";
import { afterAll, describe, expect, it, vi } from "vitest";
import { dyt, dytNorm } from "../src/dyt.js";
import { config, initialize, norms } from "../src/gpt2.js";
import { checks, trains } from "./held.js";

// On the CPU the loop is all there is, which is said once.
vi.spyOn(console, "warn").mockImplementation(() => undefined);

describe("dyt is its loop", async () => {
  const backends = [reference({ precision: "float32" }), await wasm(), await gpu({ mode: "webasm" })];
  for (const backend of backends) {
    for (const check of checks()) it(`on ${backend.description}: ${check.name}`, () => check.run(backend));
  }
  afterAll(async () => {
    for (const backend of backends) await backend.dispose();
  });
});

it("has the gradients of central differences", async () => {
  const backend = reference();
  const params = {
    x: tensor(backend, [
      [0.5, -2, 1],
      [3, 0, -0.1],
    ]),
    alpha: tensor(backend, 0.7),
    gamma: tensor(backend, [1, -0.5, 2]),
    beta: tensor(backend, [0, 0.1, 0.2]),
  };
  const weights = tensor(backend, [
    [1, -2, 0.5],
    [-1, 3, 2],
  ]);
  const { relative } = await gradientCheck((p) => sum(mul(dyt(p, {}), weights)), params);
  expect(relative).toBeLessThan(1e-8);
});

it("says which operand does not fit", () => {
  const backend = reference();
  const [x, alpha, gamma] = [tensor(backend, [[1, 2]]), tensor(backend, 1), tensor(backend, [1, 2])];
  expect(() => dyt({ x, alpha, gamma, beta: alpha }, {})).toThrow(/dyt: beta is \[2\]/);
  expect(() => dyt({ x, alpha: gamma, gamma, beta: gamma }, {})).toThrow(/dyt: alpha is \[\]/);
});

describe("a GPT-2 with DyT", () => {
  it("learns on wasm", async () => {
    const backend = await wasm();
    await trains(backend);
    await backend.dispose();
  });

  it("has the same gradients where blocks are computed again, alphas' too", async () => {
    const backend = reference();
    const params = await initialize(backend, 1);
    const tokens = uploadTokens(backend, config, { inputs: Int32Array.of(5, 8, 11), B: 1, T: 3 });
    const targets = uploadTargets(backend, config, Int32Array.of(8, 11, 14), 3);
    const [kept, again] = [false, true].map((recompute) =>
      grad((params) => {
        const options = { totalTokens: 3, recompute };
        return trainingLoss({ config, params, norms }, tokens, targets, options).total;
      }, params),
    );
    const alpha = await kept["h.1.ln_2.alpha"].item();
    expect(alpha).not.toBe(0);
    for (const name of Object.keys(params)) expect(await again[name].read()).toEqual(await kept[name].read());
  });

  it("asks for the alpha that a model lacks", async () => {
    const backend = reference();
    const { "h.0.ln_1.alpha": _, ...params } = await initialize(backend, 1);
    const tokens = uploadTokens(backend, config, { inputs: Int32Array.of(1, 2), B: 1, T: 2 });
    expect(() => evaluate((params) => forward({ config, params, norms }, tokens), params)).toThrow(
      `the norm "${dytNorm.name}" needs a parameter alpha beside gamma and beta`,
    );
    freeTokens(tokens);
  });
});
