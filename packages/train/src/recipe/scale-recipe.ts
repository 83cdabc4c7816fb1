/** A training for another number of updates or another size of batch: what follows from the change, in proportion. */
import type { TrainingRecipe } from "./recipe.js";

/** What can be asked for; undefined stays as it is. */
export interface RecipeSize {
  readonly steps?: number | undefined;
  /** Sequences an update. */
  readonly batchSize?: number | undefined;
  readonly microBatchSize?: number | undefined;
  readonly blockSize?: number | undefined;
}

/** A recipe of another size. */
export interface Scaled<R extends TrainingRecipe> {
  readonly recipe: R;
  /** What changed besides what was asked for, in words. */
  readonly notes: readonly string[];
}

/**
 * With other `steps` the warm-up and the cosine keep their proportion to the run. With another batch, a micro-batch that no
 * longer divides it becomes its largest divisor that is no larger.
 */
export function scaleTraining<R extends TrainingRecipe>(recipe: R, size: RecipeSize): Scaled<R> {
  const scaled = sized(recipe, size);
  return { recipe: scaled, notes: trainingNotes(asked(recipe, size), scaled) };
}

/** A micro-batch that was asked for is no news. */
export function asked<R extends TrainingRecipe>(recipe: R, { microBatchSize }: RecipeSize): R {
  return { ...recipe, microBatchSize: microBatchSize ?? recipe.microBatchSize };
}

/** The recipe at another size, without its notes. */
export function sized<R extends TrainingRecipe>(recipe: R, size: RecipeSize): R {
  const { steps = recipe.steps, batchSize = recipe.batchSize, blockSize = recipe.blockSize } = size;
  const rates = recipe.learningRate;
  const factor = steps / recipe.steps;
  const learningRate = {
    ...rates,
    warmupSteps: rates.warmupSteps === 0 ? 0 : Math.max(1, Math.round(rates.warmupSteps * factor)),
    totalSteps: Math.max(1, Math.round(rates.totalSteps * factor)),
  };
  const microBatchSize = size.microBatchSize ?? largestDivisor(batchSize, recipe.microBatchSize);
  return { ...recipe, steps, batchSize, microBatchSize, blockSize, learningRate };
}

/** What scaling made of a recipe, in words. */
export function trainingNotes(before: TrainingRecipe, after: TrainingRecipe): string[] {
  const notes: string[] = [];
  const [from, to] = [before.learningRate, after.learningRate];
  const rates = [
    ...(from.warmupSteps === to.warmupSteps
      ? []
      : [`warm-up ${from.warmupSteps} → ${to.warmupSteps} updates`]),
    ...(from.totalSteps === to.totalSteps ? [] : [`cosine over ${from.totalSteps} → ${to.totalSteps}`]),
  ];
  if (rates.length > 0) notes.push(`learning rate: ${rates.join(", ")}`);
  const { batchSize, microBatchSize, blockSize } = after;
  if (before.microBatchSize !== microBatchSize) {
    notes.push(`micro-batch: ${before.microBatchSize} → ${microBatchSize} sequences, to divide ${batchSize}`);
  }
  const [tokens, now] = [before.batchSize * before.blockSize, batchSize * blockSize];
  if (tokens !== now) notes.push(`an update: ${tokens} → ${now} tokens`);
  return notes;
}

/** The largest divisor of `of` that is not above `atMost`; whole numbers from 1 on. */
export function largestDivisor(of: number, atMost: number): number {
  for (let divisor = Math.min(of, atMost); ; divisor--) if (of % divisor === 0) return divisor;
}

/** Where the rows of a training begin, in a few words. */
export function describeRows({ eotShare, shortShare, shortTokens }: TrainingRecipe): string {
  const percent = (share: number) => `${Number((100 * share).toPrecision(4))} %`;
  const parts = [
    ...(eotShare > 0 ? [`${percent(eotShare)} begin with end-of-text`] : []),
    ...(shortShare > 0 ? [`${percent(shortShare)} of the tokens in rows of ${shortTokens}`] : []),
  ];
  return parts.length > 0 ? parts.join(", ") : "windows out of the middle of text";
}
