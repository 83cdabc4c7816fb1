import { initWeights, standardNorms, uploadWeights } from "@normless/gpt2";
import { reference } from "@normless/tensor";
import { wasm } from "@normless/tensor-wasm";
import { expect, it } from "vitest";
import { steps } from "../src/cases/shapes.js";
import { batchNumber, checkBatches, checkSettings, checkTolerance, Stepper } from "../src/steps/stepper.js";

const config = { ...steps.tiny.config, vocabSize: 31, channels: 16, inner: 64, layers: 1, heads: 2, eot: 30 };
const shape = { config, B: 2, T: 8 };

it("starts at the loss of a fresh model, learns a batch it sees again, and keeps nothing", async () => {
  const backend = reference();
  const params = await uploadWeights(backend, initWeights(config, 1));
  const stepper = new Stepper(backend, { config, norms: standardNorms(config), params });
  const batch = batchNumber(0, shape);
  const live: number[] = [];
  const losses: number[] = [];
  for (let i = 0; i < 20; i++) {
    losses.push(await stepper.step(batch));
    live.push(backend.memory().liveTensors);
  }
  expect(losses[0]).toBeCloseTo(Math.log(31), 1);
  expect(losses[19]).toBeLessThan(losses[0]);
  expect(new Set(live).size).toBe(1);
  stepper.free();
  expect(backend.memory().liveTensors).toBe(0);
});

it("shows in the losses that are compared whatever is left out of a step", async () => {
  const { config } = steps.tiny;
  const lossesWith = async (settings: typeof checkSettings) => {
    const backend = await wasm({ threads: 1 });
    const params = await uploadWeights(backend, initWeights(config, 1));
    const stepper = new Stepper(backend, { config, norms: standardNorms(config), params }, settings);
    const losses: number[] = [];
    for (const number of checkBatches)
      losses.push(await stepper.step(batchNumber(number, { config, B: 4, T: 32 })));
    await backend.dispose();
    return losses;
  };
  const right = await lossesWith(checkSettings);
  expect(await lossesWith(checkSettings)).toEqual(right);
  for (const wrong of [
    { learningRate: checkSettings.learningRate / 1.1 },
    { beta1: 0.9 },
    { beta2: 0.95 },
    { weightDecay: 0 },
    { maxNorm: Infinity },
  ]) {
    const losses = await lossesWith({ ...checkSettings, ...wrong });
    const most = Math.max(...losses.map((loss, i) => Math.abs(loss / right[i] - 1)));
    expect(most, JSON.stringify(wrong)).toBeGreaterThan(2 * checkTolerance);
  }
});

it("numbers batches: the same number is the same batch, another is another", () => {
  expect(batchNumber(3, shape)).toEqual(batchNumber(3, shape));
  expect(batchNumber(3, shape)).not.toEqual(batchNumber(4, shape));
  expect(batchNumber(3, shape).inputs).not.toEqual(batchNumber(3, shape).targets);
});
