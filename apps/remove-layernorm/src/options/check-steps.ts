/** Whether a plan fits into its steps, and into how many it would. */
import { checkPlan, type PlannedModel, type RemovalRecipe } from "@normless/removal";
import { RecipeError } from "@normless/train";
import { checkAsked, UsageError } from "../errors.js";

/** Where rounding leaves no room in a few updates, it does in so many. */
const MANY_STEPS = 1000;

/** @throws UsageError when the plan does not fit into the steps, with the least that it fits into once scaled to them. */
export function checkSteps(
  recipe: RemovalRecipe,
  model: PlannedModel,
  withSteps: (steps: number) => RemovalRecipe,
): void {
  const misfit = planError(recipe, model);
  if (!misfit) return;
  const { problem, field, fix } = misfit;
  if (field !== "steps") {
    checkAsked(() => {
      throw misfit;
    });
  }
  // Downwards: rounding may leave room in some number of steps and none in a greater one.
  let steps = MANY_STEPS + 1;
  while (steps - 1 > recipe.steps && !planError(withSteps(steps - 1), model)) steps--;
  // --steps would scale a pace that is too long as it is along with the run.
  const inFile = `steps ${fix}, or a faster pace, in the recipe's file`;
  const way = steps <= MANY_STEPS ? `--steps ${steps} or more` : inFile;
  throw new UsageError(`${problem}; give ${way}`, { cause: misfit });
}

function planError(recipe: RemovalRecipe, model: PlannedModel): RecipeError | undefined {
  try {
    checkPlan(recipe, model);
    return undefined;
  } catch (error) {
    if (error instanceof RecipeError) return error;
    throw error;
  }
}
