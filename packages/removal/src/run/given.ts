/** What a run is given, checked before any work is done, and what follows from it. */
import {
  type Gpt2Config,
  type HostModel,
  type NormTable,
  sitesWithoutNorm,
  standardNorms,
  untieHead,
  type Weights,
} from "@normless/gpt2";
import type { Backend } from "@normless/tensor";
import { type Tokenizer, validationPart } from "@normless/text";
import { type ChangedField, checkRecipe, fingerprint } from "@normless/train";
import { removalChanges } from "../recipe/change-recipe.js";
import { checkConstants, checkPlan } from "../recipe/plan.js";
import type { RemovalRecipe } from "../recipe/recipe.js";
import type { PlannedModel } from "../recipe/sites.js";
import type { RunState } from "../state.js";

/** What a run is given. */
export interface RunInput {
  readonly backend: Backend;
  /** A model with LayerNorms. */
  readonly model: {
    readonly config: Gpt2Config;
    /** Read whenever they are needed, until the run has ended. */
    readonly weights: Weights;
    /** By default LayerNorm everywhere; what is frozen or folded already stays so. */
    readonly norms?: NormTable | undefined;
    readonly tokenizer?: Tokenizer | undefined;
  };
  readonly corpus: { readonly train: Uint16Array; readonly validation: Uint16Array };
  readonly recipe: RemovalRecipe;
  /** Goes on from here; the recipe is then the state's, or `changed`. */
  readonly resume?: RunState | undefined;
  /** With `resume`: the recipe from there on, which differs in what may change while a run goes on (change-recipe.ts). */
  readonly changed?: RemovalRecipe | undefined;
  /** An AbortSignal, which asks the run to stop after the update or the validation batch under way: it yields a checkpoint and ends. */
  readonly signal?: { readonly aborted: boolean } | undefined;
  /** What samples start with, when there is a tokenizer. */
  readonly prompt?: string | undefined;
  /** Less memory for one more forward pass a step; the same bits. */
  readonly recompute?: boolean | undefined;
}

/** A run's input with what follows from it; `recipe` is the one that holds from here on. */
export interface Given extends RunInput {
  /** Of the model's weights. */
  readonly fingerprint: string;
  /** What a resumed run was told to do otherwise. */
  readonly changes: readonly ChangedField[];
  /** With the norms that the run begins with, and that its control keeps. */
  readonly original: HostModel;
  /** What trainings begin with. */
  readonly start: Pick<HostModel, "config" | "weights">;
  readonly planned: PlannedModel;
  /** Whether the run trains on the original's predictions, and so without a control. */
  readonly distilled: boolean;
  /** The part of the validation text that the recipe looks at. */
  readonly validation: Uint16Array;
}

/** @throws Error when the recipe, the model, the corpus and the checkpoint do not go together */
export async function checkedRun(input: RunInput): Promise<Given> {
  const { model, corpus, resume, changed } = input;
  const { config, weights, norms = standardNorms(config) } = model;
  const recipe = (resume && changed) ?? resume?.recipe ?? input.recipe;
  const ofWeights = await fingerprint(weights);
  if (resume && resume.fingerprint !== ofWeights) {
    throw new Error(
      `the checkpoint belongs to another model (weights ${resume.fingerprint}, these are ${ofWeights}); ` +
        "resume with the model that the run started from",
    );
  }
  if (sitesWithoutNorm({ norms: standardNorms(config) }).length > 0) {
    throw new RangeError(
      `the model is LN-free already: its epsilon of ${config.eps} makes constants of its norms; give one with LayerNorms`,
    );
  }
  const planned = { layers: config.layers, norms };
  checkRecipe(recipe, { config, corpus });
  checkPlan(recipe, planned);
  checkConstants(recipe, norms);
  return {
    ...input,
    recipe,
    fingerprint: ofWeights,
    changes: resume && changed ? removalChanges(resume.recipe, changed, { ...resume, model: planned }) : [],
    original: { config, weights, norms },
    start: recipe.untieHead ? untieHead(model) : model,
    planned,
    distilled: recipe.loss === "distillation",
    validation: validationPart(corpus.validation, recipe.validationTokens),
  };
}
