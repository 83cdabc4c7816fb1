/** Training a GPT-2 with LayerNorm from fresh weights (or going on from a checkpoint), as a stream of events. */
import {
  checkConfig,
  downloadWeights,
  type Gpt2Config,
  initWeights,
  standardNorms,
  type Weights,
} from "@normless/gpt2";
import type { Backend } from "@normless/tensor";
import type { ProgressEvent, StepEvent } from "./events.js";
import { checkMemory } from "./memory.js";
import { validationLoss, validationPart } from "./measure.js";
import type { TrainRecipe } from "./recipe.js";
import { Trainer, type TrainerState } from "./trainer.js";

/** Everything that a stopped training needs to go on with the same bits. */
export interface TrainState extends TrainerState {
  readonly version: 1;
  readonly config: Gpt2Config;
  readonly recipe: TrainRecipe;
  readonly step: number;
}

export type TrainEvent =
  | (Omit<StepEvent, "phase"> & { readonly phase: "train" })
  | ProgressEvent
  | { readonly type: "eval"; readonly step: number; readonly loss: number; readonly seconds: number }
  | { readonly type: "checkpoint"; readonly state: TrainState; readonly reason: "schedule" | "stop" }
  | { readonly type: "done"; readonly weights: Weights; readonly loss: number; readonly tokens: number };

export interface TrainInput {
  readonly backend: Backend;
  readonly config: Gpt2Config;
  readonly corpus: { readonly train: Uint16Array; readonly validation: Uint16Array };
  readonly recipe: TrainRecipe;
  readonly resume?: TrainState | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Less memory for one more forward pass a step; the same bits. */
  readonly recompute?: boolean | undefined;
}

/** The last event is `done`, with the weights and their validation loss, or a `stop` checkpoint. */
export async function* trainModel(input: TrainInput): AsyncGenerator<TrainEvent, void> {
  const { backend, corpus, resume, signal } = input;
  const config = checkConfig(resume?.config ?? input.config);
  const recipe = resume?.recipe ?? input.recipe;
  const norms = standardNorms(config);
  const { batchSize, microBatchSize, blockSize, steps } = recipe;
  const sizes = { batchSize: 2 * microBatchSize, blockSize };
  const weights = resume?.weights ?? initWeights(config, recipe.seed);
  const { recompute = false } = input;
  await checkMemory(backend, { config, recipe, recompute });
  const trainer = new Trainer(backend, config, weights, recipe, { recompute });
  const validation = validationPart(corpus.validation, recipe.validationTokens);
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1000;

  async function* evaluate(): AsyncGenerator<ProgressEvent, number> {
    const losses = validationLoss({ config, params: trainer.params, norms }, validation, sizes);
    for (;;) {
      const { done, value } = await losses.next();
      if (done) return value;
      yield { type: "progress", what: "validation", done: value, total: validation.length - 1 };
    }
  }

  try {
    if (resume) trainer.load(resume);
    const firstStep = trainer.step;
    while (trainer.step < steps) {
      await trainer.update(corpus.train, { norms, auxiliaryWeight: 0 });
      const { step } = trainer;
      const [evaluationDue, checkpointDue] = [recipe.evaluateEvery, recipe.checkpointEvery].map(
        (every) => step % every === 0 && step < steps,
      );
      const wanted = evaluationDue || checkpointDue || step === steps || signal?.aborted;
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
      if (evaluationDue) {
        const loss = yield* evaluate();
        yield { type: "eval", step, loss, seconds: seconds() };
      }
      if (checkpointDue || signal?.aborted) {
        const state: TrainState = { version: 1, config, recipe, step, ...(await trainer.save()) };
        yield { type: "checkpoint", state, reason: signal?.aborted ? "stop" : "schedule" };
        if (signal?.aborted) return;
      }
    }
    const loss = yield* evaluate();
    const weights = await downloadWeights(trainer.params);
    yield { type: "eval", step: steps, loss, seconds: seconds() };
    yield { type: "done", weights, loss, tokens: steps * batchSize * blockSize };
  } finally {
    trainer.free();
  }
}
