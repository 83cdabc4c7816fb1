/** Whether a recipe fits the model and the text, known before any work is done. */
import type { Gpt2Config } from "@normless/gpt2";
import { MOST_OF_RECIPE, MOST_TOKENS_OF_UPDATE } from "./most.js";
import type { TrainingRecipe } from "./recipe.js";
import { largestDivisor } from "./scale-recipe.js";

/** A recipe's field that does not fit, and what would. */
export class RecipeError extends RangeError {
  constructor(
    /** What is wrong, with the value. */
    readonly problem: string,
    /** The field to change. */
    readonly field: string,
    /** A value, or what it should be like. */
    readonly fix: string,
  ) {
    super(`${problem}; give ${field} ${fix}`);
  }
}

/** The tokens of a training. */
export interface Corpus {
  readonly train: Uint16Array;
  readonly validation: Uint16Array;
}

/**
 * Whether every count of a recipe is one that can be, and an update's tokens fit into memory, whatever the model.
 * @throws RecipeError naming the first that is not, with its figure
 */
export function checkCounts(recipe: TrainingRecipe & { readonly evaluateEvery?: number }): void {
  const { learningRate, blockSize, batchSize } = recipe;
  const fields: Readonly<Record<string, unknown>> = { ...recipe, ...learningRate };
  for (const [name, most] of Object.entries(MOST_OF_RECIPE)) {
    if (fields[name] === undefined) continue;
    const count = Number(fields[name]);
    const least = ["evaluateEvery", "warmupSteps"].includes(name) ? 0 : 1;
    if (Number.isSafeInteger(count) && count >= least && count <= most) continue;
    const field = name in recipe ? name : `learningRate.${name}`;
    throw new RecipeError(`${field} is ${count}`, field, `a whole number from ${least} to ${most}`);
  }
  if (batchSize * blockSize <= MOST_TOKENS_OF_UPDATE) return;
  throw new RecipeError(
    `an update of ${batchSize} × ${blockSize} tokens is more than the ${MOST_TOKENS_OF_UPDATE} that are held in memory`,
    "batchSize",
    `${Math.floor(MOST_TOKENS_OF_UPDATE / blockSize)} or less`,
  );
}

/** @throws RecipeError naming the first field that does not fit. */
export function checkRecipe(
  recipe: TrainingRecipe,
  { config, corpus }: { readonly config: Pick<Gpt2Config, "blockSize" | "eot">; readonly corpus: Corpus },
): void {
  checkCounts(recipe);
  const { blockSize, batchSize, microBatchSize, eotShare, shortShare, shortTokens } = recipe;
  if (blockSize > config.blockSize) {
    throw new RecipeError(
      `blockSize ${blockSize} is more than the model's context of ${config.blockSize}`,
      "blockSize",
      `${config.blockSize} or less`,
    );
  }
  if (batchSize % microBatchSize !== 0) {
    throw new RecipeError(
      `batchSize ${batchSize} is not a multiple of microBatchSize ${microBatchSize}`,
      "microBatchSize",
      String(largestDivisor(batchSize, microBatchSize)),
    );
  }
  for (const [name, share] of Object.entries({ eotShare, shortShare })) {
    if (share >= 0 && share <= 1) continue;
    throw new RecipeError(`${name} is ${share}, and a share is from 0 to 1`, name, "0 (none) to 1 (all)");
  }
  if (eotShare > 0 && config.eot === undefined) {
    throw new RecipeError(
      `rows are to begin with end-of-text (eotShare ${eotShare}), and the model's config names none`,
      "eotShare",
      "0",
    );
  }
  if (shortShare > 0 && blockSize % shortTokens !== 0) {
    throw new RecipeError(
      `rows of ${blockSize} tokens cannot be cut into short rows of ${shortTokens}`,
      "shortTokens",
      String(largestDivisor(blockSize, shortTokens)),
    );
  }
  for (const [name, { length }] of Object.entries(corpus)) {
    if (length > blockSize) continue;
    const problem = `the ${name} corpus has ${length} tokens; a row of ${blockSize} needs at least ${blockSize + 1}`;
    throw length > 1
      ? new RecipeError(problem, "blockSize", `${length - 1} or less, or more text`)
      : new RecipeError(problem, name, "more text");
  }
}
