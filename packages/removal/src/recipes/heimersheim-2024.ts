/** The recipe of "You can remove GPT2's LayerNorm by fine-tuning" (Heimersheim 2024, arXiv 2409.13710), for GPT-2 small. */
import type { RemovalRecipe } from "../recipe/recipe.js";
import { adamW, plainRows, seed } from "@normless/train";

/** 37 removals in 1,160 updates of 491,520 tokens. */
export const heimersheim2024: RemovalRecipe = {
  name: "heimersheim-2024",
  source:
    "Heimersheim 2024, arXiv 2409.13710, and its released training script (version 4, 1,200 steps). As the text means " +
    "it: the first position's constant belongs to the first position, at every norm, and is dropped at every norm.",
  loss: "cross-entropy",
  steps: 1200,
  batchSize: 480,
  microBatchSize: 48,
  blockSize: 1024,
  ...plainRows,
  learningRate: { peak: 6e-4, floor: 6e-5, warmupSteps: 100, totalSteps: 2000 },
  ...adamW,
  weightDecay: 0.1,
  seed,
  validationTokens: 0,
  checkpointEvery: 100,
  untieHead: false,
  auxiliaryWeight: 0,
  controlAuxiliary: false,
  constants: {
    from: { kind: "original", sequences: 16 },
    special: "first-and-eot-on-value",
    shareQkv: false,
  },
  pace: {
    kind: "fixed",
    start: 200,
    gaps: { ln_2: 20, "ln_1:qk": 20, "ln_1:v": 30 },
    eotAfter: 20,
    firstAfter: 120,
  },
  evaluateEvery: 20,
  madeFor: { model: "gpt2", layers: 12 },
};
