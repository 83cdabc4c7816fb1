/**
 * Training a GPT-2 from fresh weights with LayerNorm, or from weights that are given with the norms that they have, as a
 * stream of events.
 */
import {
  checkConfig,
  checkModel,
  downloadWeights,
  type Gpt2Config,
  type HostModel,
  initWeights,
  type NormTable,
  standardNorms,
  type WeightsInMemory,
} from "@normless/gpt2";
import type { Backend } from "@normless/tensor";
import { type ChangedField, trainingChanges } from "./recipe/change-recipe.js";
import { checkRecipe } from "./recipe/check-recipe.js";
import { fingerprint } from "./fingerprint.js";
import { checkMemory } from "./memory.js";
import { validationPart } from "@normless/text";
import { DIVERGED_ADVICE, Trainer, type TrainerState } from "./trainer.js";
import type { ProgressEvent, TrainingStep } from "./events.js";
import type { TrainRecipe } from "./recipe/recipe.js";
import type { Validate } from "./validate.js";

/** Everything that a stopped training needs to go on with the same bits. */
export interface TrainState extends TrainerState {
  readonly version: 1;
  readonly config: Gpt2Config;
  /** They stay as they are. */
  readonly norms: NormTable;
  /** Which weights the training started from; undefined for fresh ones. */
  readonly fingerprint?: string | undefined;
  readonly recipe: TrainRecipe;
  readonly step: number;
  /** The look at the validation tokens after this step was cut off, and is still to be done. */
  readonly evaluationDue?: boolean | undefined;
}

/** Anything that a training tells. */
export type TrainEvent =
  | (TrainingStep & { readonly phase: "train" })
  | {
      readonly type: "change";
      readonly phase: "train";
      readonly step: number;
      readonly changes: readonly ChangedField[];
      readonly recipe: TrainRecipe;
    }
  | ProgressEvent
  | { readonly type: "eval"; readonly step: number; readonly loss: number; readonly seconds: number }
  | { readonly type: "checkpoint"; readonly state: TrainState; readonly reason: "schedule" | "stop" }
  | {
      readonly type: "done";
      readonly model: HostModel<WeightsInMemory>;
      readonly loss: number;
      readonly tokens: number;
    };

/** What a training is given. */
export interface TrainInput {
  readonly backend: Backend;
  readonly config: Gpt2Config;
  /** What is gone on from, a model of the config; by default fresh weights and LayerNorm everywhere. */
  readonly from?: Pick<HostModel, "weights" | "norms"> | undefined;
  readonly corpus: { readonly train: Uint16Array; readonly validation: Uint16Array };
  readonly validate: Validate;
  readonly recipe: TrainRecipe;
  readonly resume?: TrainState | undefined;
  /** With `resume`: the recipe from there on, which differs in what may change (change-recipe.ts). */
  readonly changed?: TrainRecipe | undefined;
  /** An AbortSignal, which asks the training to stop after the update or the validation batch under way. */
  readonly signal?: { readonly aborted: boolean } | undefined;
  /** Less memory for one more forward pass a step; the same bits. */
  readonly recompute?: boolean | undefined;
}

/**
 * The last event is `done`, with the weights and their validation loss, or a `stop` checkpoint.
 * @throws RecipeError when recipe, config and corpus do not make a training.
 * @throws Error when the weights are of another config, or the state is of a training from other weights.
 */
export async function* trainModel(input: TrainInput): AsyncGenerator<TrainEvent, void> {
  const { backend, corpus, validate, from, resume, changed, signal } = input;
  const config = checkConfig(resume?.config ?? input.config);
  const recipe = (resume && changed) ?? resume?.recipe ?? input.recipe;
  checkRecipe(recipe, { config, corpus });
  const changes = resume && changed ? trainingChanges(resume.recipe, changed) : [];
  if (from) checkModel({ config, ...from });
  const startedFrom = from ? await fingerprint(from.weights) : resume?.fingerprint;
  if (resume && resume.fingerprint !== startedFrom) {
    const began =
      resume.fingerprint === undefined ? "with fresh weights" : `from weights ${resume.fingerprint}`;
    throw new Error(
      `the checkpoint belongs to a training that began ${began}, and these are ${startedFrom}; resume with the model ` +
        "that it started from",
    );
  }
  const norms = resume?.norms ?? from?.norms ?? standardNorms(config);
  const { batchSize, microBatchSize, blockSize, steps } = recipe;
  const sizes = { batchSize: 2 * microBatchSize, blockSize, advice: DIVERGED_ADVICE };
  const weights = resume?.weights ?? from?.weights ?? initWeights(config, recipe.seed);
  const { recompute = false } = input;
  await checkMemory(backend, { config, recipe, recompute, norms });
  const trainer = await Trainer.create(backend, config, weights, recipe, { recompute });
  const validation = validationPart(corpus.validation, recipe.validationTokens);
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1000;

  const checkpoint = async (reason: "schedule" | "stop", evaluationDue: boolean): Promise<TrainEvent> => {
    const due = evaluationDue && { evaluationDue };
    const { step } = trainer;
    return {
      type: "checkpoint",
      state: {
        ...{ version: 1, config, norms, recipe, step, ...due },
        ...(startedFrom !== undefined && { fingerprint: startedFrom }),
        ...(await trainer.save()),
      },
      reason,
    };
  };

  /** The validation loss; undefined where it was cut off, with a checkpoint to do it again from. */
  async function* evaluate(): AsyncGenerator<TrainEvent, number | undefined> {
    const losses = validate({ config, params: trainer.params, norms }, validation, sizes);
    while (!signal?.aborted) {
      const { done, value } = await losses.next();
      if (done) {
        yield { type: "eval", step: trainer.step, loss: value, seconds: seconds() };
        return value;
      }
      yield { type: "progress", what: "validation", done: value, total: validation.length - 1 };
    }
    yield await checkpoint("stop", true);
    return undefined;
  }

  try {
    if (resume) trainer.load(resume);
    const firstStep = trainer.step;
    if (changes.length > 0) yield { type: "change", phase: "train", step: firstStep, changes, recipe };
    if (resume?.evaluationDue && firstStep < steps && (yield* evaluate()) === undefined) return;
    while (trainer.step < steps) {
      await trainer.update(corpus.train, { norms, auxiliaryWeight: 0 });
      const { step } = trainer;
      const { evaluateEvery } = recipe;
      const evaluationDue = evaluateEvery > 0 && step % evaluateEvery === 0 && step < steps;
      const checkpointDue = step % recipe.checkpointEvery === 0 || step === steps;
      const wanted = evaluationDue || checkpointDue || signal?.aborted;
      if (!wanted && !trainer.resultsDue) continue;
      for await (const { step: done, loss, gradNorm, learningRate } of trainer.results()) {
        yield {
          type: "step",
          phase: "train",
          step: done,
          loss,
          gradNorm,
          learningRate,
          tokensPerSecond: ((step - firstStep) * batchSize * blockSize) / seconds(),
          seconds: seconds(),
        };
      }
      if (evaluationDue && (yield* evaluate()) === undefined) return;
      if (checkpointDue || signal?.aborted) {
        yield await checkpoint(signal?.aborted ? "stop" : "schedule", false);
        if (signal?.aborted) return;
      }
    }
    const loss = yield* evaluate();
    if (loss === undefined) return;
    const model = { config, weights: await downloadWeights(trainer.params), norms };
    yield { type: "done", model, loss, tokens: steps * batchSize * blockSize };
  } finally {
    trainer.free();
  }
}
