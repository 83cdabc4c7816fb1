/** Timing a training leaves everything as it was. */
import { validationLoss } from "@normless/evaluate";
import { standardNorms } from "@normless/gpt2";
import { wasm } from "@normless/tensor-wasm";
import { expect, it, vi } from "vitest";
import { firstPositionOf, forwardTokens } from "../src/index.js";
import { Trainer, timeTraining } from "@normless/train";
import { config, corpus, weights } from "@normless/gpt2/testing";
import { recipe } from "../src/testing/index.js";

it.each([
  { name: "one micro-batch an update", microBatchSize: 4 },
  { name: "several", microBatchSize: 1, distilled: true },
])("times $name on a copy, and leaves nothing behind", async ({ microBatchSize, distilled }) => {
  const backend = await wasm({ threads: 1 });
  const before = structuredClone(weights);
  const live = backend.memory().liveBytes;
  const norms = standardNorms(config);
  const wild = { ...recipe.learningRate, peak: 1e30, floor: 1e30 };
  const asked = { ...recipe, microBatchSize, learningRate: wild, loss: "distillation" as const };
  const input = {
    backend,
    config,
    weights,
    norms,
    corpus,
    recipe: asked,
    distilled,
    auxiliaryWeight: 0.1,
    validate: validationLoss,
  };
  let saved = 0;
  const { updateSeconds, validationSeconds } = await timeTraining(input, () => saved++);
  expect(saved).toBe(1);
  for (const seconds of [updateSeconds, validationSeconds]) {
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan(Infinity);
  }
  await firstPositionOf(input, asked);
  expect(weights).toEqual(before);
  expect(backend.memory().liveBytes).toBe(live);
  await backend.dispose();
});

it("counts the original's forward passes where KL is measured, and the looks on the way", () => {
  const validationTargets = { original: 1000, control: 300, frozen: 100, folded: 30 };
  const asked = { ...recipe, steps: 25, blockSize: 16, evaluateEvery: 10, loss: "cross-entropy" as const };
  // At the beginning, after 10, 20 and 25 updates, of both trainings: 16 rows of three kinds by two models.
  const looks = 2 * 4 * 3 * 16 * 16 * 2;
  expect(forwardTokens({ recipe: asked, validationTargets })).toBe(1000 + 600 + 100 + 60 + looks);
  const distilled = { ...asked, loss: "distillation" as const, evaluateEvery: 0 };
  expect(forwardTokens({ recipe: distilled, validationTargets })).toBe(1000 + 100 + 60);
});

it("counts the optimiser once an update, and everything else for each micro-batch", async () => {
  const backend = await wasm({ threads: 1 });
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const { value: update } = Object.getOwnPropertyDescriptor(Trainer.prototype, "update") as {
    value: (this: Trainer, ...rest: Parameters<Trainer["update"]>) => Promise<void>;
  };
  // 10 seconds a micro-batch, and 4 for the optimiser.
  vi.spyOn(Trainer.prototype, "update").mockImplementation(async function (this: Trainer, ...rest) {
    now += 1000 * (4 + (10 * this.recipe.batchSize) / this.recipe.microBatchSize);
    await update.apply(this, rest);
  });
  const norms = standardNorms(config);
  const asked = { ...recipe, batchSize: 40, microBatchSize: 2 };
  const input = { backend, config, weights, norms, corpus, recipe: asked, validate: validationLoss };
  const { updateSeconds } = await timeTraining(input, () => undefined);
  vi.restoreAllMocks();
  expect(updateSeconds).toBeCloseTo(4 + 20 * 10, 6);
  await backend.dispose();
});
