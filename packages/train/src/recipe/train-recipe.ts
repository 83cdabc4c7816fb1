/** How the model that ships was trained: what a training is unless told otherwise. */
import { adamW, plainRows, seed } from "./optimizer.js";
import type { TrainRecipe } from "./recipe.js";

/** How the model that ships was trained: 24.6M tokens, a little under ten times through its text. */
export const trainRecipe: TrainRecipe = {
  steps: 12_000,
  batchSize: 16,
  microBatchSize: 16,
  blockSize: 128,
  ...plainRows,
  learningRate: { peak: 2e-3, floor: 2e-5, warmupSteps: 100, totalSteps: 12_000 },
  ...adamW,
  weightDecay: 0.1,
  seed,
  validationTokens: 32_768,
  evaluateEvery: 500,
  checkpointEvery: 500,
};
