/** What a removal will look at: its validation, and the first position before the first update. */
import { freeParams, uploadWeights } from "@normless/gpt2";
import { measureFirstPosition } from "./validation/first-position.js";
import type { FirstPositionEvent, PlanEvent } from "./events.js";
import { ROW_KINDS } from "@normless/evaluate";
import { controlSteps, type RemovalRecipe } from "./recipe/recipe.js";
import type { TimedTraining } from "@normless/train";
import { comparesWithOriginal, LOOK } from "./validation/validation.js";

/**
 * Tokens that a removal's validation runs forward: the original's beside a model's where KL is measured, and the looks on
 * the way.
 */
export function forwardTokens({
  recipe,
  validationTargets,
}: Pick<PlanEvent, "recipe" | "validationTargets">): number {
  const { steps, evaluateEvery, blockSize } = recipe;
  const hasControl = controlSteps(recipe) > 0;
  const contenders = (["original", "control", "frozen", "folded"] as const).filter(
    (model) => model !== "control" || hasControl,
  );
  const ends = contenders.reduce(
    (sum, model) => sum + validationTargets[model] * (comparesWithOriginal(model) ? 2 : 1),
    0,
  );
  const looks = evaluateEvery === 0 ? 0 : (hasControl ? 2 : 1) * (1 + Math.ceil(steps / evaluateEvery));
  return ends + looks * 2 * ROW_KINDS.length * LOOK * blockSize;
}

/** What a run tells of the first position before its first update. */
export async function firstPositionOf(
  {
    backend,
    config,
    weights,
    norms,
    corpus,
  }: Pick<TimedTraining, "backend" | "config" | "weights" | "norms" | "corpus">,
  recipe: RemovalRecipe,
): Promise<FirstPositionEvent | undefined> {
  const params = await uploadWeights(backend, weights);
  try {
    return await measureFirstPosition({ config, norms, params }, { recipe, train: corpus.train });
  } finally {
    freeParams(params);
  }
}
