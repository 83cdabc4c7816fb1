/** Recipes for the model that ships: the reference, and two other paces of the same training. */
import type { RemovalRecipe, TrainRecipe } from "../recipe.js";
import { adamW, seed } from "./optimizer.js";

/**
 * The reference removal: the published order, at a pace that suits the model's size. Of five trials, one seed each, its
 * LN-free loss was the lowest; peaks of 3e-4 left a larger gap, 5e-4 and 6e-4 a worse control.
 */
export const reference: RemovalRecipe = {
  name: "reference",
  source:
    "The order of Heimersheim 2024 with the auxiliary loss of Baroni et al. 2025, at a pace for the model that ships.",
  steps: 200,
  batchSize: 16,
  microBatchSize: 16,
  blockSize: 128,
  learningRate: { peak: 4.5e-4, floor: 4.5e-5, warmupSteps: 10, totalSteps: 200 },
  ...adamW,
  weightDecay: 0.1,
  seed,
  validationTokens: 65_536,
  checkpointEvery: 50,
  auxiliaryWeight: 0.1,
  constants: {
    from: { kind: "training", keep: 0.9 ** (16 / 32) },
    special: "first-and-eot",
    shareQkv: false,
  },
  pace: {
    kind: "fixed",
    start: 10,
    gaps: { ln_2: 3, "ln_1:qk": 3, "ln_1:v": 4 },
    eotAfter: 2,
    firstAfter: 6,
  },
};

export const taper: RemovalRecipe = {
  ...reference,
  name: "taper",
  source:
    "TaperNorm 2026, arXiv 2602.10408, with all norms tapered (All-Taper): calibrated at 5 % of the updates, gone at " +
    "40 %, λ 0.1. Centred as LayerNorm is; both branches share one gamma and beta.",
  pace: { kind: "taper", begin: 10, end: 80, keep: 0.99 },
};

export const adaptive: RemovalRecipe = {
  ...reference,
  name: "adaptive",
  source:
    "This project's: what does the least damage goes next, as soon as the loss is back at the control's.",
  pace: {
    kind: "adaptive",
    start: 5,
    margin: 0.02,
    keep: 0.7,
    probeSequences: 4,
    together: 0.002,
    diverged: 0.5,
    patience: 10,
    deadline: 100,
  },
};

/** How the model that ships was trained: 24.6M tokens, a little under ten times through its text. */
export const train: TrainRecipe = {
  steps: 12_000,
  batchSize: 16,
  microBatchSize: 16,
  blockSize: 128,
  learningRate: { peak: 2e-3, floor: 2e-5, warmupSteps: 100, totalSteps: 12_000 },
  ...adamW,
  weightDecay: 0.1,
  seed,
  validationTokens: 32_768,
  evaluateEvery: 500,
  checkpointEvery: 500,
};
