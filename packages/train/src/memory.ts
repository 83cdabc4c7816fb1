/** Whether a training step fits, known before it starts. */
import {
  type Gpt2Config,
  type NormTable,
  parameterCount,
  parameterShapes,
  standardNorms,
  type Weights,
} from "@normless/gpt2";
import { type Backend, dry, sizeOf } from "@normless/tensor";
import { RecipeError } from "./recipe/check-recipe.js";
import type { TrainingRecipe } from "./recipe/recipe.js";
import { Trainer } from "./trainer.js";

/** The update whose memory is asked for. */
export interface StepPlan {
  readonly config: Gpt2Config;
  readonly recipe: TrainingRecipe;
  readonly recompute: boolean;
  /** By default LayerNorm everywhere. */
  readonly norms?: NormTable | undefined;
  /** A teacher of the same config is there, too. */
  readonly distilled?: boolean | undefined;
}

/**
 * Room for what kernels take besides tensors: packed weights (the largest once) and logits in the making, in a distilled
 * run of two models.
 */
const SCRATCH = 128 * 2 ** 20;

/** Bytes of all tensors at the height of an update: weights, gradients, optimiser, activations. From a dry run of one. */
export async function stepBytes({
  config,
  recipe,
  recompute,
  distilled,
  ...plan
}: StepPlan): Promise<number> {
  const { norms = standardNorms(config) } = plan;
  const backend = dry();
  const shapes = Object.entries(parameterShapes(config, { norms }));
  // Zeros that nobody touches take no memory.
  const weights = Object.fromEntries(
    shapes.map(([name, shape]) => [name, { shape, data: new Float32Array(sizeOf(shape)) }]),
  );
  // The second micro-batch finds gradients of the first; all others are like it, and there may be a million.
  const batchSize = Math.min(recipe.batchSize, 2 * recipe.microBatchSize);
  const trainer = await Trainer.create(
    backend,
    config,
    weights,
    // Short rows make micro-batches that are no larger.
    { ...recipe, batchSize, shortShare: 0 },
    {
      recompute,
      ...(distilled && { teacher: weights, teacherNorms: norms }),
    },
  );
  const tokens = new Uint16Array(recipe.blockSize + 1);
  await trainer.update(tokens, { norms, auxiliaryWeight: 1 });
  return backend.memory().peakBytes;
}

/** @throws RecipeError where the backend has no tensors in which the recipe keeps moments. */
export function checkMoments({ name, dtypes }: Backend, { moments }: Pick<TrainingRecipe, "moments">): void {
  if (dtypes.includes(moments)) return;
  const problem = `the optimiser's moments are to be in ${moments}, and the engine ${name} has none such`;
  throw new RecipeError(problem, "moments", "float32, or take the engine native");
}

/** @throws RecipeError of `checkMoments`; Error with the figures and what to do, when an update does not fit the backend. */
export async function checkMemory(backend: Backend, plan: StepPlan): Promise<void> {
  checkMoments(backend, plan.recipe);
  const { limitBytes } = backend.memory();
  if (limitBytes === undefined) return;
  const { norms = true } = plan;
  const sizes = Object.values(parameterShapes(plan.config, { norms })).map(sizeOf);
  const parameters = sizes.reduce((sum, size) => sum + size, 0);
  // Weights, gradients, two moments, and the teacher's weights: of what these alone are too much for, no step is tried.
  const least = parameters * 4 * (plan.distilled ? 5 : 4);
  if (least > limitBytes) {
    throw new Error(
      `an update of ${parameters.toLocaleString("en-US")} parameters needs ${gib(least)} GiB for these, their gradients and ` +
        `AdamW's moments alone, and ${backend.name} has ${gib(limitBytes)} GiB. Take a smaller model, or an engine with more memory.`,
    );
  }
  const bytes = (await stepBytes(plan)) + Math.max(...sizes) * 4 + SCRATCH * (plan.distilled ? 2 : 1);
  if (bytes <= limitBytes) return;
  const { microBatchSize, blockSize } = plan.recipe;
  const ways = [
    ...(microBatchSize > 1 ? [`a smaller micro-batch (now ${microBatchSize} sequences)`] : []),
    ...(plan.recipe.moments === "float32" && backend.dtypes.includes("bfloat16")
      ? ["the optimiser's moments in half of the memory (--moments bfloat16)"]
      : []),
    ...(plan.recompute ? [] : ["recomputing activations (--recompute)"]),
    `a shorter context (now ${blockSize} tokens)`,
  ];
  throw new Error(
    `an update needs ${gib(bytes)} GiB and ${backend.name} has ${gib(limitBytes)} GiB. ` +
      `Try ${ways.join(", or ")}.`,
  );
}

/** Whether another model fits beside the one that was looked at alone, by what that took. */
export function fitsBeside(backend: Backend, one: Weights, other: Weights): boolean {
  const { limitBytes, peakBytes } = backend.memory();
  if (limitBytes === undefined) return true;
  const [held, more] = [one, other].map((weights) => 4 * parameterCount(weights));
  const activations = (peakBytes - held) * Math.max(1, more / held);
  return held + more + activations + 2 * SCRATCH <= limitBytes;
}

const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(2);
