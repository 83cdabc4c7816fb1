/** Whether a training step fits, known before it starts. */
import { type Gpt2Config, parameterShapes, standardNorms } from "@normless/gpt2";
import { type Backend, dry, sizeOf } from "@normless/tensor";
import type { TrainingRecipe } from "./recipe.js";
import { Trainer } from "./trainer.js";

export interface StepPlan {
  readonly config: Gpt2Config;
  readonly recipe: TrainingRecipe;
  readonly recompute: boolean;
  /** A teacher of the same config is there, too. */
  readonly distilled?: boolean | undefined;
}

/**
 * Room for what kernels take besides tensors: packed weights (the largest once) and logits in the making, in a distilled
 * run of two models.
 */
const SCRATCH = 128 * 2 ** 20;

/** Bytes of all tensors at the height of an update: weights, gradients, optimiser, activations. From a dry run of one. */
export async function stepBytes({ config, recipe, recompute, distilled }: StepPlan): Promise<number> {
  const backend = dry();
  const shapes = Object.entries(parameterShapes(config, { norms: true }));
  // Zeros that nobody touches take no memory.
  const weights = Object.fromEntries(
    shapes.map(([name, shape]) => [name, { shape, data: new Float32Array(sizeOf(shape)) }]),
  );
  // The second micro-batch finds gradients of the first; all others are like it, and there may be a million.
  const batchSize = Math.min(recipe.batchSize, 2 * recipe.microBatchSize);
  const trainer = new Trainer(
    backend,
    config,
    weights,
    // Short rows make micro-batches that are no larger.
    { ...recipe, batchSize, shortShare: 0 },
    {
      recompute,
      ...(distilled && { teacher: weights }),
    },
  );
  const tokens = new Uint16Array(recipe.blockSize + 1);
  await trainer.update(tokens, { norms: standardNorms(config), auxiliaryWeight: 1 });
  return backend.memory().peakBytes;
}

/** @throws Error with the figures and what to do, when an update does not fit the backend. */
export async function checkMemory(backend: Backend, plan: StepPlan): Promise<void> {
  const { limitBytes } = backend.memory();
  if (limitBytes === undefined) return;
  const largest = Math.max(...Object.values(parameterShapes(plan.config, { norms: true })).map(sizeOf)) * 4;
  const bytes = (await stepBytes(plan)) + largest + SCRATCH * (plan.distilled ? 2 : 1);
  if (bytes <= limitBytes) return;
  const { microBatchSize, blockSize } = plan.recipe;
  const ways = [
    ...(microBatchSize > 1 ? [`a smaller micro-batch (now ${microBatchSize} sequences)`] : []),
    ...(plan.recompute ? [] : ["recomputing activations (--recompute)"]),
    `a shorter context (now ${blockSize} tokens)`,
  ];
  throw new Error(
    `an update needs ${gib(bytes)} GiB and ${backend.name} has ${gib(limitBytes)} GiB. ` +
      `Try ${ways.join(", or ")}.`,
  );
}

const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(2);
