/** The taper of "TaperNorm" (2026, arXiv 2602.10408), at a size for the model that ships. */
import type { RemovalRecipe } from "../recipe/recipe.js";
import { adamW, plainRows, seed } from "@normless/train";

/** Calibrated at 5 % of the updates, gone at 40 %. */
export const taperNorm2026: RemovalRecipe = {
  name: "taper-norm-2026",
  source:
    "TaperNorm 2026, arXiv 2602.10408, with all norms tapered (All-Taper): calibrated at 5 % of the updates, gone at " +
    "40 %, λ 0.1. Centred as LayerNorm is; both branches share one gamma and beta. Ours are the training's size for the " +
    "model that ships (300 updates of 16 rows of 128 tokens), its learning rates and AdamW's betas of 0.8 and 0.99.",
  loss: "cross-entropy",
  steps: 300,
  batchSize: 16,
  microBatchSize: 16,
  blockSize: 128,
  ...plainRows,
  learningRate: { peak: 4.5e-4, floor: 4.5e-6, warmupSteps: 10, totalSteps: 300 },
  ...adamW,
  beta1: 0.8,
  beta2: 0.99,
  weightDecay: 0.1,
  seed,
  validationTokens: 65_536,
  evaluateEvery: 50,
  checkpointEvery: 100,
  untieHead: false,
  auxiliaryWeight: 0.1,
  controlAuxiliary: false,
  constants: {
    from: { kind: "training", keep: 0.9 ** (16 / 32) },
    special: "first-and-eot",
    shareQkv: false,
  },
  pace: { kind: "taper", begin: 15, end: 120, keep: 0.99 },
  madeFor: { model: "models/sotu", layers: 6 },
  failsOnSink: {
    how: "+0.64 nats over its control on a sink of 27 times, instead of +0.05, after 200 updates of 8 rows of 128 tokens",
    instead: "distilled",
  },
};
