/** One training step of GPT-2, ours: forward, backward, clip, AdamW. */
import { valueAndGrad } from "@normless/autograd";
import {
  freeParams,
  freeTokens,
  type Gpt2Config,
  type Model,
  trainingLoss,
  uploadTargets,
  uploadTokens,
} from "@normless/gpt2";
import { AdamW } from "@normless/optim";
import type { Backend } from "@normless/tensor";
import { integers } from "@normless/tensor/testing";

/** The same for everyone who takes a step. */
export const optimizerSettings = {
  learningRate: 3e-4,
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0.1,
  maxNorm: 1,
};

/**
 * For comparing losses before anything is timed. With the settings above the first losses say little of the optimizer:
 * clipping, betas and decay show in digits that rounding takes.
 */
export const checkSettings: typeof optimizerSettings = {
  learningRate: 1e-3,
  beta1: 0.5,
  beta2: 0.7,
  eps: 1e-8,
  weightDecay: 20,
  maxNorm: 0.3,
};
/** Batches of the steps that are compared. One that comes again shows what the updates have done. */
export const checkBatches = [0, 1, 0, 1] as const;
/** Relative, between two losses. Engines that do the same differ by 1e-7 (small models) to 1e-5 (GPT-2 small). */
export const checkTolerance = 5e-5;

/** Ids, (B,T) row-major. */
export interface StepBatch {
  readonly inputs: Int32Array;
  readonly targets: Int32Array;
  readonly B: number;
  readonly T: number;
}

/** Random ids; another number, another batch. */
export function batchNumber(
  number: number,
  { config, B, T }: { readonly config: Gpt2Config; readonly B: number; readonly T: number },
): StepBatch {
  const ids = (seed: number) => Int32Array.from(integers([B, T], seed, config.vocabSize).data);
  return { inputs: ids(2 * number + 1), targets: ids(2 * number + 2), B, T };
}

export class Stepper {
  readonly #optimizer: AdamW;

  /** Takes the parameters over. */
  constructor(
    readonly backend: Backend,
    readonly model: Model,
    readonly settings = optimizerSettings,
  ) {
    this.#optimizer = new AdamW(backend, model.params, {
      ...settings,
      decays: (_name, { shape }) => shape.length >= 2,
    });
  }

  /** The loss before the update, in nats a token, when all is done. */
  async step({ inputs, targets, B, T }: StepBatch): Promise<number> {
    const { backend, model } = this;
    const { config, norms } = model;
    const tokens = uploadTokens(backend, config, { inputs, B, T });
    const wanted = uploadTargets(backend, config, targets, T);
    const { value, grads } = valueAndGrad(
      (params) => trainingLoss({ config, params, norms }, tokens, wanted, { totalTokens: B * T }).total,
      model.params,
    );
    const normSquared = this.#optimizer.update(grads, this.settings);
    freeParams(grads);
    const loss = await value.item();
    await backend.sync();
    for (const tensor of [value, normSquared, wanted]) tensor.free();
    freeTokens(tokens);
    return loss;
  }

  free(): void {
    this.#optimizer.free();
    freeParams(this.model.params);
  }
}
