/** What a removal begins with: the recipe out of what was asked for, fitted to a model, and whether all of it goes together. */
import type { LoadedModel } from "@normless/gpt2";
import {
  checkConstants,
  checkPlan,
  checkRecipe,
  type RateScaling,
  RecipeError,
  type RemovalRecipe,
  removalNotes,
  removalRecipes,
  scaleRecipe,
} from "../core/index.js";
import type { Corpus } from "./corpus.js";
import { checkAsked, UsageError } from "./errors.js";
import { checkHasNorms } from "./has-norms.js";
import type { FoundModel } from "./hub.js";
import type { Io } from "./io.js";
import { recipeOptions, type RecipeOptions, resolveRecipe } from "./recipes.js";
import { removalRecipeSchema } from "./schemas.js";

/** Options that say what is done, but for model and data. */
export interface RemovalOptions extends RecipeOptions {
  readonly recipe?: string | Record<string, unknown> | undefined;
  readonly scaleLearningRate?: RateScaling | undefined;
  readonly sharedQkvStd?: boolean | undefined;
  readonly bugCompatible?: boolean | undefined;
}

export interface ResolvedRemoval {
  readonly name: string;
  /** The recipe on a model, and what was changed so that it fits. */
  on(model: LoadedModel): { readonly recipe: RemovalRecipe; readonly notes: readonly string[] };
  /** @throws UsageError when the recipe does not go together with the model or the corpus. */
  check(model: LoadedModel, corpus: Corpus): void;
}

/** @param where the file that asks for the recipe, if one does. @throws UsageError naming what is wrong in it */
export async function resolveRemoval(options: RemovalOptions, where?: string): Promise<ResolvedRemoval> {
  const resolved = await resolveRecipe({
    builtIn: removalRecipes,
    schema: removalRecipeSchema,
    asked: options.recipe,
    where,
    options: recipeOptions(options),
    scaleLearningRate: options.scaleLearningRate,
    scale: scaleRecipe,
    notes: removalNotes,
  });
  const fitted = ({ config }: LoadedModel) => resolved.inContext(config.blockSize);
  const on: ResolvedRemoval["on"] = (model) => {
    const { recipe, notes } = fitted(model);
    return { recipe: asReleased(recipe, options), notes };
  };
  return {
    name: asReleased(resolved.recipe, options).name,
    on,
    check(model, corpus) {
      const { recipe } = on(model);
      checkAsked(() => checkRecipe(recipe, { config: model.config, corpus }));
      checkSteps(recipe, model, fitted(model).withSteps);
      checkAsked(() => checkConstants(recipe, model.norms));
    },
  };
}

/** What a corpus must suit. */
export const suitsOf = (io: Io, { config, tokenizer }: LoadedModel) => ({
  vocabSize: config.vocabSize,
  tokenizer,
  io,
});

/** @throws UsageError when the model has no LayerNorm left. */
export async function loadWithNorms(found: FoundModel): Promise<LoadedModel> {
  const model = await found.load();
  checkHasNorms(found.folder, model);
  return model;
}

/** Where rounding leaves no room in a few updates, it does in so many. */
const MANY_STEPS = 1000;

/** @throws UsageError when the plan does not fit into the steps, with the least that it fits into once scaled to them. */
function checkSteps(
  recipe: RemovalRecipe,
  model: LoadedModel,
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

function planError(
  recipe: RemovalRecipe,
  { config: { layers }, norms }: LoadedModel,
): RecipeError | undefined {
  try {
    checkPlan(recipe, { layers, norms });
    return undefined;
  } catch (error) {
    if (error instanceof RecipeError) return error;
    throw error;
  }
}

/** The recipe with what the released code did, where that is asked for. @throws UsageError where it did no such thing. */
function asReleased(recipe: RemovalRecipe, options: RemovalOptions): RemovalRecipe {
  const { sharedQkvStd = false, bugCompatible = false } = options;
  const { constants, pace } = recipe;
  if (sharedQkvStd && (pace.kind !== "fixed" || constants.from.kind !== "training")) {
    throw new UsageError(
      `--shared-qkv-std is for removals at fixed steps with stds measured in training; ${recipe.name} is none`,
    );
  }
  if (bugCompatible && constants.special !== "first-and-eot-on-value") {
    throw new UsageError(
      `--bug-compatible is for recipes with constants of their own for the first position, as heimersheim-2024; ` +
        `those of ${recipe.name} are: ${constants.special}`,
    );
  }
  const special = bugCompatible ? "released-2024" : constants.special;
  return { ...recipe, constants: { ...constants, special, shareQkv: constants.shareQkv || sharedQkvStd } };
}
