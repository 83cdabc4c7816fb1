import { initWeights, standardNorms, uploadWeights } from "@normless/gpt2";
import { reference } from "@normless/tensor";
import { expect, it } from "vitest";
import { steps } from "../src/shapes.js";
import { batchNumber, Stepper } from "../src/steps/stepper.js";

const config = { ...steps.tiny.config, vocabSize: 31, channels: 16, inner: 64, layers: 1, heads: 2, eot: 30 };
const shape = { config, B: 2, T: 8 };

it("starts at the loss of a fresh model, learns a batch it sees again, and keeps nothing", async () => {
  const backend = reference();
  const params = uploadWeights(backend, initWeights(config, 1));
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

it("numbers batches: the same number is the same batch, another is another", () => {
  expect(batchNumber(3, shape)).toEqual(batchNumber(3, shape));
  expect(batchNumber(3, shape)).not.toEqual(batchNumber(4, shape));
  expect(batchNumber(3, shape).inputs).not.toEqual(batchNumber(3, shape).targets);
});
