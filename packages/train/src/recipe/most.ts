/** The most of what a recipe counts: far beyond what anybody trains with, and refused before memory is taken for it. */
import type { TrainingRecipe } from "./recipe.js";

/** Of updates, and of what is counted in them. */
const UPDATES = 2 ** 30;
/** Of the rows of an update, and of the tokens of a row. */
const ROWS = 2 ** 20;

/** The most of each count of a recipe. Validation tokens have none: more than there are is all of them. */
export const MOST_OF_RECIPE = {
  steps: UPDATES,
  checkpointEvery: UPDATES,
  evaluateEvery: UPDATES,
  warmupSteps: UPDATES,
  totalSteps: UPDATES,
  batchSize: ROWS,
  microBatchSize: ROWS,
  blockSize: ROWS,
  shortTokens: ROWS,
} as const satisfies Partial<
  Record<keyof TrainingRecipe | keyof TrainingRecipe["learningRate"] | "evaluateEvery", number>
>;

/** The most tokens of an update: 2^24, five times GPT-3's. The ids of all of them are in memory at once. */
export const MOST_TOKENS_OF_UPDATE = 2 ** 24;
