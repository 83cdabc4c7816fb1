/** Our own recipe: the removal that a run does unless told otherwise. */
import type { RemovalRecipe } from "../recipe/recipe.js";
import { adamW, seed } from "@normless/train";

/**
 * The published order at a steady pace, trained on what the original predicts. Next tokens are noise that a fine-tuning at
 * a fresh learning rate learns along, so that even a control gets worse; a whole prediction has none of it, and asks for
 * nothing but what the removal took. Without weight decay, so that a model with all its LayerNorms would not change by a
 * bit.
 *
 * What was measured, on the model that ships and on one whose first position is a sink, with seed 1337: the steady pace
 * survives a sink, where one that takes nearly all norms at once does not. Rows after end-of-text and short rows are there
 * for the first positions: without them KL there is up to 40 times its value further on, with them at most twice; rows of
 * 16 leave it at four times, rows of 2 begin a text no better than none. The head trained apart is worth 0.003 nats; batches of 8 at a lower rate, 0.0015 against 16.
 * AdamW's usual betas, a higher rate, ten times the rate for vectors, Muon for the matrices and matching the teacher's
 * normalised residuals gained nothing, or not what they cost.
 */
export const distilled: RemovalRecipe = {
  name: "distilled",
  source:
    "This project's: the order of Heimersheim 2024 at a steady pace, and the loss of distillation (Hinton et al. 2015, " +
    "arXiv 1503.02531) with the original as the teacher. Tuned on the model that ships and on one with a sink, with " +
    "seed 1337.",
  loss: "distillation",
  steps: 900,
  batchSize: 8,
  microBatchSize: 8,
  blockSize: 128,
  eotShare: 0.125,
  shortShare: 0.2,
  shortTokens: 4,
  learningRate: { peak: 5e-4, floor: 5e-6, warmupSteps: 20, totalSteps: 900 },
  ...adamW,
  beta1: 0.8,
  beta2: 0.99,
  weightDecay: 0,
  seed,
  validationTokens: 65_536,
  checkpointEvery: 300,
  untieHead: true,
  auxiliaryWeight: 0,
  controlAuxiliary: true,
  constants: {
    from: { kind: "training", keep: 0.9 ** (8 / 32) },
    special: "first-and-eot",
    shareQkv: false,
  },
  pace: {
    kind: "fixed",
    start: 10,
    gaps: { ln_2: 2, "ln_1:qk": 2, "ln_1:v": 3 },
    eotAfter: 4,
    firstAfter: 8,
  },
  evaluateEvery: 50,
  madeFor: { model: "models/sotu", layers: 6 },
};
