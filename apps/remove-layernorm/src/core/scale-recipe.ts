/** A recipe for another length of run or another size of batch: what follows from the change, in proportion. */
import type { FixedPace, Pace, RemovalRecipe, TaperPace, TrainingRecipe } from "./recipe.js";

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
  const training = sized(recipe, size);
  const factor = training.steps / recipe.steps;
  const pace = factor === 1 ? recipe.pace : scalePace(recipe.pace, factor);
  const { from } = recipe.constants;
  const change = training.microBatchSize / recipe.microBatchSize;
  const constants =
    from.kind !== "training" || change === 1
      ? recipe.constants
      : { ...recipe.constants, from: { ...from, keep: from.keep ** change } };
  const { evaluateEvery: every } = recipe;
  const evaluateEvery = every === 0 ? 0 : Math.max(1, Math.round(every * factor));
  const scaled = { ...training, pace, constants, evaluateEvery };
  return { recipe: scaled, notes: removalNotes(asked(recipe, size), scaled) };
}

/** The same for any training: learning rates and batch. */
export function scaleTraining<R extends TrainingRecipe>(recipe: R, size: RecipeSize): Scaled<R> {
  const scaled = sized(recipe, size);
  return { recipe: scaled, notes: trainingNotes(asked(recipe, size), scaled) };
}

/** A micro-batch that was asked for is no news. */
function asked<R extends TrainingRecipe>(recipe: R, { microBatchSize }: RecipeSize): R {
  return { ...recipe, microBatchSize: microBatchSize ?? recipe.microBatchSize };
}

function sized<R extends TrainingRecipe>(recipe: R, size: RecipeSize): R {
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

/** What scaling made of a removal's recipe, in words. */
export function removalNotes(before: RemovalRecipe, after: RemovalRecipe): string[] {
  const notes = trainingNotes(before, after);
  const [pace, scaled] = [describePace(before.pace), describePace(after.pace)];
  if (pace !== scaled) notes.push(`removals: ${pace} → ${scaled}`);
  if (before.evaluateEvery !== after.evaluateEvery) {
    notes.push(`looks on the way: every ${before.evaluateEvery} → ${after.evaluateEvery} updates`);
  }
  const [from, to] = [before.constants.from, after.constants.from];
  if (from.kind === "training" && to.kind === "training" && from.keep !== to.keep) {
    notes.push(`moving mean of the stds: keeps ${short(from.keep)} → ${short(to.keep)} a micro-batch`);
  }
  return notes;
}

/** The same for any training. */
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

export function largestDivisor(of: number, atMost: number): number {
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
        ...(pace.stretches && {
          stretches: pace.stretches.map((stretch) => ({ ...stretch, from: stretch.from * factor })),
        }),
      } satisfies FixedPace;
    }
    case "taper": {
      const begin = whole(pace.begin);
      return { ...pace, begin, end: Math.max(begin + 1, whole(pace.end)) } satisfies TaperPace;
    }
  }
}

/** Where the rows of a training begin, in a few words. */
export function describeRows({ eotShare, shortShare, shortTokens }: TrainingRecipe): string {
  const percent = (share: number) => `${short(100 * share)} %`;
  const parts = [
    ...(eotShare > 0 ? [`${percent(eotShare)} begin with end-of-text`] : []),
    ...(shortShare > 0 ? [`${percent(shortShare)} of the tokens in rows of ${shortTokens}`] : []),
  ];
  return parts.length > 0 ? parts.join(", ") : "windows out of the middle of text";
}

/** A pace in a few words. */
export function describePace(pace: Pace): string {
  switch (pace.kind) {
    case "fixed": {
      const { gaps, stretches = [] } = pace;
      const changed = stretches.map(({ from, factor }) => `, ×${short(factor)} from step ${short(from)} on`);
      const each = [gaps.ln_2, gaps["ln_1:qk"], gaps["ln_1:v"]].map(short).join("/");
      return `from step ${pace.start}, a layer every ${each} (ln_2/query and key/value)${changed.join("")}`;
    }
    case "taper":
      return `a taper from step ${pace.begin} to ${pace.end}`;
  }
}

const short = (value: number) => String(Number(value.toPrecision(4)));
