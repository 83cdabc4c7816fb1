/**
 * Training steps on one model: forward, backward, clip, AdamW, over micro-batches whose gradients add up to the whole
 * batch's. It owns parameters, gradients and optimiser state, and knows nothing of removals.
 */
import { Tape } from "@normless/autograd";
import {
  downloadWeights,
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
  type BatchStd,
  batchStd,
  type MeasuredStd,
  type MeasuredTaper,
  measureStd,
  measureTaper,
} from "@normless/layernorm";
import { AdamW, type AdamWState, warmupCosine, zeroGradients } from "@normless/optim";
import { type Backend, type Tensor, zeros } from "@normless/tensor";
import { type Batch, batchAt } from "@normless/text";
import type { TrainingRecipe } from "./recipe.js";

/** What calibrates a taper at a norm module, summed over an update's tokens (see measureTaper). */
export interface TaperSums {
  readonly numerator: number;
  readonly denominator: number;
}

export interface StepResult {
  /** Mean cross-entropy of the batch before the update, in nats a token. */
  readonly loss: number;
  /** Global norm of the gradient before clipping. */
  readonly gradNorm: number;
  readonly learningRate: number;
  /** Of each micro-batch, by norm module; empty unless measured. */
  readonly stds: readonly Readonly<Record<string, BatchStd>>[];
  /** By norm module; empty unless measured. */
  readonly taper: Readonly<Record<string, TaperSums>>;
}

/** What an update measures at every norm module. */
export interface Measuring {
  readonly stds?: boolean | undefined;
  readonly taper?: boolean | undefined;
}

export interface StepOptions {
  readonly norms: NormTable;
  /** λ of the auxiliary loss; 0 leaves it out. */
  readonly auxiliaryWeight: number;
  /** What it draws the stds to; by default their own mean. */
  readonly auxiliaryTarget?: number | undefined;
  readonly measure?: Measuring | undefined;
}

export interface TrainerOptions {
  /** Keeps only what goes into each block and computes it again in the backward pass: less memory, the same bits. */
  readonly recompute?: boolean | undefined;
}

/** The loss is no number any more. Nothing was updated. */
export class DivergedError extends Error {}

/** Everything that training has changed. */
export interface TrainerState {
  readonly weights: Weights;
  readonly optimizer: AdamWState;
}

/** What a micro-batch measured, still on the device. */
interface Measured {
  readonly stds: Record<string, MeasuredStd>;
  readonly taper: Record<string, MeasuredTaper>;
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

  /** The batch of the coming update. */
  batch(tokens: Uint16Array): Batch {
    const { batchSize, blockSize, seed } = this.recipe;
    return batchAt({ tokens, batchSize, blockSize, seed, step: this.step });
  }

  /** One update on the batch that belongs to it. @throws DivergedError when the loss is not finite. */
  async update(tokens: Uint16Array, options: StepOptions): Promise<StepResult> {
    const { backend, recipe, step } = this;
    const { batchSize, microBatchSize } = recipe;
    // A CPU backend never waits, so without this a process in training would not hear Control-C, nor a page its clicks.
    await new Promise((resolve) => setTimeout(resolve));
    const batch = this.batch(tokens);
    const total = zeros(backend, []);
    const measured: Measured[] = [];
    zeroGradients(this.#grads);
    for (let row = 0; row < batchSize; row += microBatchSize) {
      measured.push(this.#microBatch(rows(batch, row, microBatchSize), options, total));
    }
    const normSquared = this.#optimizer.normSquared(this.#grads);
    // The only wait of an update: everything that the host wants to know comes back at once.
    const { loss, gradNorm, stds, taper } = await readMeasured(backend, { total, normSquared, measured });
    if (!Number.isFinite(loss)) {
      normSquared.free();
      throw new DivergedError(
        `the loss is ${loss} at step ${step}: training has diverged; lower the learning rate or widen the gaps`,
      );
    }
    const learningRate = warmupCosine(recipe.learningRate, step);
    this.#optimizer.update(this.#grads, { learningRate, maxNorm: recipe.maxNorm, normSquared });
    normSquared.free();
    return { loss, gradNorm, learningRate, stds, taper };
  }

  /** Adds the micro-batch's gradients and its share of the loss. */
  #microBatch(
    batch: Batch,
    { norms, auxiliaryWeight, auxiliaryTarget, measure = {} }: StepOptions,
    total: Tensor,
  ): Measured {
    const { backend, config, recipe, params } = this;
    const tokens = uploadTokens(backend, config, batch);
    const targets = uploadTargets(backend, config, batch.targets, batch.T);
    const tape = new Tape(backend);
    const measured: Measured = { stds: {}, taper: {} };
    const { classes } = tokens;
    try {
      const leaves = Object.entries(params).map(
        ([name, param]) => [name, tape.leaf(param, this.#grads[name])] as const,
      );
      const loss = trainingLoss({ config, params: Object.fromEntries(leaves), norms }, tokens, targets, {
        totalTokens: recipe.batchSize * recipe.blockSize,
        auxiliaryWeight,
        auxiliaryTarget,
        recompute: this.options.recompute,
        observe(module, x) {
          if (measure.stds) measured.stds[module] = measureStd(x, classes, config.eps);
          const gamma = params[`${module}.weight`];
          if (measure.taper) measured.taper[module] = measureTaper(x, { gamma, classes, eps: config.eps });
        },
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

  /** A copy of what training has changed, for a checkpoint or to come back to. */
  async save(): Promise<TrainerState> {
    return { weights: await downloadWeights(this.params), optimizer: await this.#optimizer.save() };
  }

  /** Takes a saved state up again. */
  load({ weights, optimizer }: TrainerState): void {
    for (const [name, param] of Object.entries(this.params)) this.backend.write(param, weights[name].data);
    this.#optimizer.load(optimizer);
  }

  free(): void {
    freeParams(this.params);
    freeParams(this.#grads);
    this.#optimizer.free();
  }
}

/** Rows `begin` to `begin + count` of a batch. */
export function rows(batch: Batch, begin: number, count: number): Batch {
  const { T } = batch;
  const part = (ids: Int32Array) => ids.subarray(begin * T, (begin + count) * T);
  return { inputs: part(batch.inputs), targets: part(batch.targets), B: count, T };
}

/** Reads with one wait, and frees, all but the norm, which the update still needs. */
async function readMeasured(
  backend: Backend,
  { total, normSquared, measured }: { total: Tensor; normSquared: Tensor; measured: readonly Measured[] },
): Promise<Omit<StepResult, "learningRate">> {
  const stds = measured.map((microBatch) => Object.entries(microBatch.stds));
  const tapers = measured.flatMap((microBatch) => Object.entries(microBatch.taper));
  const rest = [
    total,
    ...stds.flat().flatMap(([, { mean, count }]) => [mean, count]),
    ...tapers.flatMap(([, { numerator, denominator }]) => [numerator, denominator]),
  ];
  const values = (await backend.readMany([normSquared, ...rest])).values();
  for (const tensor of rest) tensor.free();
  const next = () => values.next().value ?? [];

  const gradNorm = Math.sqrt(next()[0]);
  const loss = next()[0];
  const read = stds.map((modules) => {
    const entries = modules.map(([module]) => [module, batchStd(next(), next())] as const);
    return Object.fromEntries(entries);
  });
  const taper: Record<string, TaperSums> = {};
  for (const [module] of tapers) {
    const before = taper[module] ?? { numerator: 0, denominator: 0 };
    taper[module] = {
      numerator: before.numerator + next()[0],
      denominator: before.denominator + next()[0],
    };
  }
  return { loss, gradNorm, stds: read, taper };
}
