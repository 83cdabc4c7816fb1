/** What a removal begins with: the recipe out of what was asked for, fitted to a model, and whether all of it goes together. */
import type { LoadedModel } from "@normless/gpt2";
import {
  changeRemoval,
  checkConstants,
  type PlannedModel,
  type RemovalRecipe,
  removalNotes,
  removalRecipes,
  scaleRecipe,
} from "@normless/removal";
import { checkRecipe, type RateScaling } from "@normless/train";
import { checkSteps } from "../options/check-steps.js";
import type { Corpus } from "../data/corpus.js";
import { checkAsked, UsageError } from "../errors.js";
import { checkHasNorms } from "../models/has-norms.js";
import type { FoundModel } from "../models/hub.js";
import type { Io } from "../terminal/io.js";
import { recipeOptions, type RecipeOptions, resolveRecipe } from "./recipes.js";
import { removalRecipeSchema } from "../json/schemas.js";

/** Options that say what is done, but for model and data. */
export interface RemovalOptions extends RecipeOptions {
  readonly recipe?: string | Record<string, unknown> | undefined;
  readonly gapFactor?: number | undefined;
  readonly sites?: readonly string[] | undefined;
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
  const wider = (recipe: RemovalRecipe) => withGapFactor(asReleased(recipe, options), options);
  const fitted = ({ config }: LoadedModel) => resolved.inContext(config.blockSize);
  return {
    name: asReleased(resolved.recipe, options).name,
    on(model) {
      const { recipe, notes } = fitted(model);
      const whole = wider(recipe);
      return { recipe: whole, notes: [...notes, ...removalNotes(recipe, whole)] };
    },
    check(model, corpus) {
      const { recipe, withSteps } = fitted(model);
      const whole = wider(recipe);
      checkAsked(() => checkRecipe(whole, { config: model.config, corpus }));
      checkSteps(whole, plannedModel(model), (steps) => wider(withSteps(steps)));
      checkAsked(() => checkConstants(whole, model.norms));
    },
  };
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

/** @throws UsageError where the pace has no gaps. */
function withGapFactor(recipe: RemovalRecipe, { gapFactor }: RemovalOptions): RemovalRecipe {
  if (gapFactor === undefined) return recipe;
  return checkAsked(() => changeRemoval(recipe, { gapFactor }, { phase: "removal", step: 0 }));
}

/** A model as a plan asks of it. */
export const plannedModel = ({ config: { layers }, norms }: LoadedModel): PlannedModel => ({ layers, norms });

/** What a corpus must suit. */
export const suitsOf = (io: Io, { config, tokenizer }: LoadedModel) => ({
  vocabSize: config.vocabSize,
  tokenizer,
  io,
});

/** The model for as long as `use` takes. @throws UsageError when it has no LayerNorm left. */
export async function useWithNorms<X>(
  found: FoundModel,
  use: (model: LoadedModel) => Promise<X>,
): Promise<X> {
  return found.use((model) => {
    checkHasNorms(found.folder, model);
    return use(model);
  });
}
