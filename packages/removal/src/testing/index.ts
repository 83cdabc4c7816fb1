/** Recipes for tests: what a test does not say is as here. */
import type { RemovalRecipe } from "../recipe/recipe.js";

/** A removal beside a control, in the published order, with an auxiliary loss: what a test does not say is as here. */
export const crossEntropy: RemovalRecipe = {
  name: "cross-entropy",
  source: "A test's: the order of Heimersheim 2024 with the auxiliary loss of Baroni et al. 2025.",
  loss: "cross-entropy",
  steps: 300,
  batchSize: 16,
  microBatchSize: 16,
  blockSize: 128,
  eotShare: 0,
  shortShare: 0,
  shortTokens: 4,
  learningRate: { peak: 4.5e-4, floor: 4.5e-6, warmupSteps: 10, totalSteps: 300 },
  beta1: 0.8,
  beta2: 0.99,
  adamEps: 1e-8,
  moments: "float32",
  maxNorm: 1,
  weightDecay: 0.1,
  seed: 1337,
  validationTokens: 65_536,
  evaluateEvery: 9,
  checkpointEvery: 100,
  untieHead: false,
  auxiliaryWeight: 0.1,
  controlAuxiliary: true,
  constants: {
    from: { kind: "training", keep: 0.9 ** (16 / 32) },
    special: "first-and-eot",
    shareQkv: false,
  },
  pace: {
    kind: "fixed",
    start: 5,
    gaps: { ln_2: 1, "ln_1:qk": 1, "ln_1:v": 1.5 },
    eotAfter: 2,
    firstAfter: 4,
  },
};

/** The same for the tiny model of gpt2/testing: the whole run in a second or two. */
export const recipe: RemovalRecipe = {
  ...crossEntropy,
  name: "tiny",
  steps: 24,
  batchSize: 4,
  microBatchSize: 4,
  blockSize: 16,
  learningRate: { peak: 3e-3, floor: 3e-4, warmupSteps: 4, totalSteps: 24 },
  seed: 5,
  validationTokens: 0,
  pace: { kind: "fixed", start: 2, gaps: { ln_2: 2, "ln_1:qk": 1, "ln_1:v": 1 }, eotAfter: 2, firstAfter: 4 },
  checkpointEvery: 7,
  evaluateEvery: 9,
};
