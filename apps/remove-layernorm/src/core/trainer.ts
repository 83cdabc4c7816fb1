/**
 * Training steps on one model: forward, backward, clip, AdamW, over micro-batches whose gradients add up to the whole
 * batch's. It owns parameters, gradients and optimiser state, and knows nothing of removals.
 */
import { Tape } from "@normless/autograd";
import {
  freeParams,
  freeTokens,
  type Gpt2Config,
  type NormTable,
  trainingLoss,
  uploadTargets,
  uploadTokens,
  uploadWeights,
  type Weights,
} from "@normless/gpt2";
import {
  keepFor,
  type MeasuredStd,
  measureStd,
  readStd,
  type StdAverage,
  updateStdAverage,
} from "@normless/layernorm";
import { AdamW, type AdamWState, warmupCosine, zeroGradients } from "@normless/optim";
import { type Backend, type Tensor, zeros } from "@normless/tensor";
import { type Batch, batchAt } from "@normless/text";
import type { StdAverages } from "./plan.js";
import type { TrainingRecipe } from "./recipe.js";

export interface StepResult {
  /** Mean cross-entropy of the batch before the update, in nats a token. */
  readonly loss: number;
  /** Global norm of the gradient before clipping. */
  readonly gradNorm: number;
  readonly learningRate: number;
  /** Averages of the stds after this step, by norm module. */
  readonly averages: StdAverages;
}

export interface StepOptions {
  readonly norms: NormTable;
  readonly auxiliaryWeight: number;
  /** The averages so far; undefined measures nothing. */
  readonly averages?: StdAverages | undefined;
}

export interface TrainerOptions {
  /** Keeps only what goes into each block and computes it again in the backward pass: less memory, the same bits. */
  readonly recompute?: boolean | undefined;
}

type Named = Readonly<Record<string, Tensor>>;

export class Trainer {
  readonly params: Named;
  readonly #grads: Named;
  readonly #optimizer: AdamW;

  constructor(
    readonly backend: Backend,
    readonly config: Gpt2Config,
    weights: Weights,
    readonly recipe: TrainingRecipe,
    readonly options: TrainerOptions = {},
  ) {
    this.params = uploadWeights(backend, weights);
    const grads = Object.entries(this.params).map(
      ([name, param]) => [name, zeros(backend, param.shape)] as const,
    );
    this.#grads = Object.fromEntries(grads);
    const { beta1, beta2, adamEps: eps, weightDecay } = recipe;
    this.#optimizer = new AdamW(backend, this.params, { beta1, beta2, eps, weightDecay });
  }

  /** Updates done. */
  get step(): number {
    return this.#optimizer.step;
  }

  /** One update on the batch that belongs to it. @throws Error when the loss is not finite; nothing was updated then. */
  async update(tokens: Uint16Array, { norms, auxiliaryWeight, averages }: StepOptions): Promise<StepResult> {
    const { backend, recipe, step } = this;
    const { batchSize, microBatchSize, blockSize, seed } = recipe;
    // A CPU backend never waits, so without this a process in training would not hear Control-C, nor a page its clicks.
    await new Promise((resolve) => setTimeout(resolve));
    const batch = batchAt({ tokens, batchSize, blockSize, seed, step });
    const total = zeros(backend, []);
    const measured: Record<string, MeasuredStd>[] = [];
    zeroGradients(this.#grads);
    for (let row = 0; row < batchSize; row += microBatchSize) {
      const stds = this.#microBatch(
        rows(batch, row, microBatchSize),
        { norms, auxiliaryWeight, measure: !!averages },
        total,
      );
      measured.push(stds);
    }
    const loss = await total.item();
    total.free();
    const after = averages && (await updateAverages(averages, measured, keepFor(microBatchSize)));
    if (!Number.isFinite(loss)) {
      throw new Error(
        `the loss is ${loss} at step ${step}: training has diverged; lower the learning rate or widen the gaps`,
      );
    }
    const learningRate = warmupCosine(recipe.learningRate, step);
    const normSquared = this.#optimizer.update(this.#grads, { learningRate, maxNorm: recipe.maxNorm });
    const gradNorm = Math.sqrt(await normSquared.item());
    normSquared.free();
    return { loss, gradNorm, learningRate, averages: after ?? {} };
  }

  /** Adds the micro-batch's gradients and its share of the loss; returns the stds that it measured. */
  #microBatch(
    batch: Batch,
    { norms, auxiliaryWeight, measure }: { norms: NormTable; auxiliaryWeight: number; measure: boolean },
    total: Tensor,
  ): Record<string, MeasuredStd> {
    const { backend, config, recipe } = this;
    const tokens = uploadTokens(backend, config, batch);
    const targets = uploadTargets(backend, config, batch.targets, batch.T);
    const tape = new Tape(backend);
    const measured: Record<string, MeasuredStd> = {};
    try {
      const leaves = Object.entries(this.params).map(
        ([name, param]) => [name, tape.leaf(param, this.#grads[name])] as const,
      );
      const loss = trainingLoss({ config, params: Object.fromEntries(leaves), norms }, tokens, targets, {
        totalTokens: recipe.batchSize * recipe.blockSize,
        auxiliaryWeight,
        recompute: this.options.recompute,
        observe: measure
          ? (module, x) => {
              measured[module] = measureStd(x, tokens.classes, config.eps);
            }
          : undefined,
      });
      backend.run("scale", { x: loss.crossEntropy.tensor }, { factor: 1 }, { y: total });
      tape.backward(loss.total);
      return measured;
    } finally {
      tape.free();
      freeTokens(tokens);
      targets.free();
    }
  }

  /** The optimiser's state, for a checkpoint. */
  saveOptimizer(): Promise<AdamWState> {
    return this.#optimizer.save();
  }

  loadOptimizer(state: AdamWState): void {
    this.#optimizer.load(state);
  }

  free(): void {
    freeParams(this.params);
    freeParams(this.#grads);
    this.#optimizer.free();
  }
}

/** Rows `begin` to `begin + count` of a batch. */
function rows(batch: Batch, begin: number, count: number): Batch {
  const { T } = batch;
  const part = (ids: Int32Array) => ids.subarray(begin * T, (begin + count) * T);
  return { inputs: part(batch.inputs), targets: part(batch.targets), B: count, T };
}

/** The moving means after a step: one update a micro-batch. Frees what was measured. */
async function updateAverages(
  averages: StdAverages,
  measured: readonly Readonly<Record<string, MeasuredStd>>[],
  keep: number,
): Promise<StdAverages> {
  const after: Record<string, StdAverage> = { ...averages };
  for (const microBatch of measured) {
    for (const [module, stds] of Object.entries(microBatch)) {
      const batch = await readStd(stds);
      stds.mean.free();
      stds.count.free();
      after[module] = updateStdAverage(after[module], batch, keep);
    }
  }
  return after;
}
