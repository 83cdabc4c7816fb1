/**
 * How long a training will take on this engine: from an update and a batch of validation that are really done, on a copy of
 * the weights that is thrown away.
 */
import type { Gpt2Config, NormTable, Weights } from "@normless/gpt2";
import type { Backend } from "@normless/tensor";
import { type Measure, Trainer } from "./trainer.js";
import type { TrainingRecipe } from "./recipe/recipe.js";
import type { Validate } from "./validate.js";

/** The training whose time is asked for. */
export interface TimedTraining {
  readonly backend: Backend;
  readonly config: Gpt2Config;
  readonly weights: Weights;
  readonly norms: NormTable;
  readonly corpus: { readonly train: Uint16Array; readonly validation: Uint16Array };
  readonly recipe: TrainingRecipe;
  readonly recompute?: boolean | undefined;
  /** The weights are their own teacher. */
  readonly distilled?: boolean | undefined;
  /** λ; 0 leaves the auxiliary loss out. */
  readonly auxiliaryWeight?: number | undefined;
  readonly measure?: Measure | undefined;
  readonly validate: Validate;
}

/** Seconds, measured. */
export interface Timings {
  /** Of an update of the whole batch. */
  readonly updateSeconds: number;
  /** Of a validation token. */
  readonly validationSeconds: number;
}

/** What is faster than this is done again, so that compiling and the first touch of memory do not count. */
const WARM_SECONDS = 2;
/** What is slower than this is not done with two micro-batches as well, to tell the optimiser's share. */
const SLOW_SECONDS = 30;

/**
 * Times an update and a batch of validation. `saved` is called while the state is held that a checkpoint would hold, for
 * who measures memory.
 * @throws DivergedError or NotFiniteError when the model's loss is no number
 */
export async function timeTraining(input: TimedTraining, saved: () => void): Promise<Timings> {
  const { batchSize, microBatchSize } = input.recipe;
  const parts = batchSize / microBatchSize;
  const one = await withTrainer(input, microBatchSize, async (trainer, update) => {
    const validationSeconds = await timeValidation(input, trainer);
    const seconds = await timed(update);
    await trainer.save();
    saved();
    return { seconds, validationSeconds };
  });
  const isSlow = parts === 1 || one.seconds > SLOW_SECONDS;
  const two = isSlow
    ? 2 * one.seconds
    : await withTrainer(input, 2 * microBatchSize, (_, update) => timed(update));
  // The optimiser comes once, whatever the number of micro-batches.
  const updateSeconds = one.seconds + (parts - 1) * Math.max(0, two - one.seconds);
  return { updateSeconds, validationSeconds: one.validationSeconds };
}

async function withTrainer<X>(
  input: TimedTraining,
  batchSize: number,
  use: (trainer: Trainer, update: () => Promise<void>) => Promise<X>,
): Promise<X> {
  const {
    backend,
    config,
    weights,
    norms,
    corpus,
    recipe,
    recompute,
    distilled,
    auxiliaryWeight = 0,
    measure,
  } = input;
  // At a rate of 0 nothing diverges, however often it is done.
  const learningRate = { ...recipe.learningRate, peak: 0, floor: 0 };
  const teacher = distilled ? weights : undefined;
  const options = { recompute, teacher, teacherNorms: norms };
  const timed = { ...recipe, batchSize, learningRate };
  const trainer = await Trainer.create(backend, config, weights, timed, options);
  try {
    return await use(trainer, async () => {
      await trainer.update(corpus.train, { norms, auxiliaryWeight, measure });
      for await (const _result of trainer.results());
    });
  } finally {
    trainer.free();
  }
}

/** Seconds a token, in batches as a run's. */
async function timeValidation(
  { config, norms, corpus, recipe, validate }: TimedTraining,
  { params }: Trainer,
): Promise<number> {
  const { blockSize, microBatchSize } = recipe;
  const batchSize = 2 * microBatchSize;
  const tokens = corpus.validation.subarray(0, batchSize * blockSize + 1);
  const seconds = await timed(async () => {
    const losses = validate({ config, params, norms }, tokens, { batchSize, blockSize });
    for await (const _done of losses);
  });
  return seconds / (tokens.length - 1);
}

async function timed(action: () => Promise<void>): Promise<number> {
  const once = async () => {
    const begin = performance.now();
    await action();
    return (performance.now() - begin) / 1000;
  };
  const first = await once();
  return first < WARM_SECONDS ? once() : first;
}
