/** Recipes for the model that ships: one that paces itself, the reference, and one more pace of the same training. */
import type { RemovalRecipe, TrainRecipe } from "../recipe.js";
import { adamW, seed } from "./optimizer.js";

/**
 * The reference removal: the published order, as fast as the model that ships bears it, so that most of the run is there
 * to recover. Its original was annealed to the end, and any fresh learning rate costs even the control; of peaks from
 * 2.5e-4 to 9e-4, 4.5e-4 left the lowest LN-free loss, and a floor of a hundredth a lower one than a tenth. A longer
 * memory of squares and a shorter one of gradients than the published 0.95 and 0.9 cost the control less at the same gap.
 */
export const reference: RemovalRecipe = {
  name: "reference",
  source:
    "The order of Heimersheim 2024 with the auxiliary loss of Baroni et al. 2025, at a pace for the model that ships.",
  loss: "cross-entropy",
  steps: 300,
  batchSize: 16,
  microBatchSize: 16,
  blockSize: 128,
  learningRate: { peak: 4.5e-4, floor: 4.5e-6, warmupSteps: 10, totalSteps: 300 },
  ...adamW,
  beta1: 0.8,
  beta2: 0.99,
  weightDecay: 0.1,
  seed,
  validationTokens: 65_536,
  checkpointEvery: 100,
  auxiliaryWeight: 0.1,
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
  madeFor: { model: "models/sotu", layers: 6 },
};

export const taper: RemovalRecipe = {
  ...reference,
  name: "taper",
  source:
    "TaperNorm 2026, arXiv 2602.10408, with all norms tapered (All-Taper): calibrated at 5 % of the updates, gone at " +
    "40 %, λ 0.1. Centred as LayerNorm is; both branches share one gamma and beta.",
  pace: { kind: "taper", begin: 15, end: 120, keep: 0.99 },
  failsOnSink: {
    how: "+0.45 nats over the original after 300 updates, on a sink of 20 times",
    instead: "reference",
  },
};

/**
 * One constant for all tokens from the start: one for the first position is dear to drop once the model relies on it.
 * The pace was tuned at 100 updates of the model that ships, with seed 1337 alone: what makes a gap there is how many
 * updates are left once the last norm is gone, so that as much goes together as the model comes back from.
 */
export const adaptive: RemovalRecipe = {
  ...reference,
  name: "adaptive",
  source:
    "This project's: what does the least damage goes next, as soon as the loss is back at the control's. Tuned on the " +
    "model that ships, with seed 1337.",
  steps: 200,
  learningRate: { peak: 5e-4, floor: 5e-6, warmupSteps: 10, totalSteps: 200 },
  constants: { ...reference.constants, special: "none" },
  pace: {
    kind: "adaptive",
    start: 1,
    margin: 0.3,
    keep: 0.5,
    probeSequences: 1,
    together: 0.5,
    diverged: 1,
    patience: 10,
    deadline: 60,
  },
  failsOnSink: {
    how: "+0.23 nats over the original after 200 updates, on a sink of 20 times",
    instead: "reference",
  },
};

/**
 * The same pace, trained on what the original predicts. Next tokens are noise that a fine-tuning at a fresh learning rate
 * learns along, so that even a control gets worse; a whole prediction has none of it, and asks for nothing but what the
 * removal took. Without weight decay, so that a model with all its LayerNorms would not change by a bit.
 */
export const distilled: RemovalRecipe = {
  ...adaptive,
  name: "distilled",
  source:
    "This project's: the pace of adaptive, and the loss of distillation (Hinton et al. 2015, arXiv 1503.02531) with " +
    "the original as the teacher. Tuned on the model that ships, with seed 1337.",
  loss: "distillation",
  steps: 150,
  learningRate: { peak: 7e-4, floor: 7e-6, warmupSteps: 10, totalSteps: 150 },
  weightDecay: 0,
  auxiliaryWeight: 0,
  failsOnSink: {
    how: "+0.22 nats over the original after 150 updates, on a sink of 20 times",
    instead: "reference",
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
