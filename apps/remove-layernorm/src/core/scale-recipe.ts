/** A recipe for another length of run or another size of batch: what follows from the change, in proportion. */
import type { AdaptivePace, FixedPace, Pace, RemovalRecipe, TaperPace, TrainingRecipe } from "./recipe.js";

/** What can be asked for; undefined stays as it is. */
export interface RecipeSize {
  readonly steps?: number | undefined;
  /** Sequences an update. */
  readonly batchSize?: number | undefined;
  readonly microBatchSize?: number | undefined;
  readonly blockSize?: number | undefined;
}

export interface Scaled<R extends TrainingRecipe> {
  readonly recipe: R;
  /** What changed besides what was asked for, in words. */
  readonly notes: readonly string[];
}

/**
 * With other `steps` the warm-up, the cosine and the pace of the removals keep their proportion to the run. With
 * another batch, a micro-batch that no longer divides it becomes its largest divisor that is no larger. With another
 * micro-batch the moving mean of the stds keeps looking back over as much text.
 */
export function scaleRecipe(recipe: RemovalRecipe, size: RecipeSize): Scaled<RemovalRecipe> {
  const { recipe: training, notes } = scaleTraining(recipe, size);
  const factor = training.steps / recipe.steps;
  const pace = factor === 1 ? recipe.pace : scalePace(recipe.pace, factor);
  const said = [...notes];
  if (factor !== 1) said.push(`removals: ${describePace(recipe.pace)} → ${describePace(pace)}`);
  const { from } = recipe.constants;
  const change = training.microBatchSize / recipe.microBatchSize;
  if (from.kind !== "training" || change === 1) return { recipe: { ...training, pace }, notes: said };
  const keep = from.keep ** change;
  said.push(`moving mean of the stds: keeps ${short(from.keep)} → ${short(keep)} a micro-batch`);
  const constants = { ...recipe.constants, from: { ...from, keep } };
  return { recipe: { ...training, pace, constants }, notes: said };
}

/** The same for any training: learning rates and batch. */
export function scaleTraining<R extends TrainingRecipe>(recipe: R, size: RecipeSize): Scaled<R> {
  const notes: string[] = [];
  const { steps = recipe.steps, batchSize = recipe.batchSize, blockSize = recipe.blockSize } = size;
  const rates = recipe.learningRate;
  const factor = steps / recipe.steps;
  const learningRate = {
    ...rates,
    warmupSteps: rates.warmupSteps === 0 ? 0 : Math.max(1, Math.round(rates.warmupSteps * factor)),
    totalSteps: Math.max(1, Math.round(rates.totalSteps * factor)),
  };
  if (factor !== 1) {
    notes.push(
      `learning rate: warm-up ${rates.warmupSteps} → ${learningRate.warmupSteps} updates, ` +
        `cosine over ${rates.totalSteps} → ${learningRate.totalSteps}`,
    );
  }
  const microBatchSize = size.microBatchSize ?? largestDivisor(batchSize, recipe.microBatchSize);
  if (size.microBatchSize === undefined && microBatchSize !== recipe.microBatchSize) {
    notes.push(`micro-batch: ${recipe.microBatchSize} → ${microBatchSize} sequences, to divide ${batchSize}`);
  }
  const [before, after] = [recipe.batchSize * recipe.blockSize, batchSize * blockSize];
  if (before !== after) notes.push(`an update: ${before} → ${after} tokens`);
  return { recipe: { ...recipe, steps, batchSize, microBatchSize, blockSize, learningRate }, notes };
}

function largestDivisor(of: number, atMost: number): number {
  for (let divisor = Math.min(of, atMost); ; divisor--) if (of % divisor === 0) return divisor;
}

function scalePace(pace: Pace, factor: number): Pace {
  const whole = (steps: number) => Math.max(1, Math.round(steps * factor));
  switch (pace.kind) {
    case "fixed": {
      const { gaps } = pace;
      return {
        ...pace,
        start: whole(pace.start),
        gaps: {
          ln_2: gaps.ln_2 * factor,
          "ln_1:qk": gaps["ln_1:qk"] * factor,
          "ln_1:v": gaps["ln_1:v"] * factor,
        },
        eotAfter: pace.eotAfter * factor,
        firstAfter: pace.firstAfter * factor,
      } satisfies FixedPace;
    }
    case "taper":
      return { ...pace, begin: whole(pace.begin), end: whole(pace.end) } satisfies TaperPace;
    case "adaptive":
      return {
        ...pace,
        start: whole(pace.start),
        patience: whole(pace.patience),
        deadline: whole(pace.deadline),
      } satisfies AdaptivePace;
  }
}

/** A pace in a few words. */
export function describePace(pace: Pace): string {
  switch (pace.kind) {
    case "fixed": {
      const { gaps } = pace;
      const each = [gaps.ln_2, gaps["ln_1:qk"], gaps["ln_1:v"]].map(short).join("/");
      return `from step ${pace.start}, a layer every ${each} (ln_2/query and key/value)`;
    }
    case "taper":
      return `a taper from step ${pace.begin} to ${pace.end}`;
    case "adaptive":
      return `as the loss allows, from step ${pace.start}, all by step ${pace.deadline}`;
  }
}

const short = (value: number) => String(Number(value.toPrecision(4)));
