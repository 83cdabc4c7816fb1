/**
 * Training steps on one model: forward, backward, clip, AdamW, over micro-batches whose gradients add up to the whole
 * batch's. It owns parameters, gradients and optimiser state, and knows nothing of removals.
 */
import { evaluate, Tape } from "@normless/autograd";
import {
  atNormInputs,
  downloadWeights,
  freeParams,
  freeTokens,
  type Gpt2Config,
  type Model,
  type NormModule,
  type NormTable,
  standardNorms,
  trainingLoss,
  uploadTargets,
  uploadTokens,
  uploadWeights,
  type Weights,
  type WeightsInMemory,
} from "@normless/gpt2";
import { AdamW, type AdamWState, warmupCosine } from "@normless/optim";
import { type Backend, type Tensor, zeros } from "@normless/tensor";
import { type Batch, batchRows, trainingRows } from "@normless/text";
import type { TrainingRecipe } from "./recipe/recipe.js";
import {
  freeUpdate,
  type Measured,
  type PendingUpdate,
  readUpdates,
  type StepResult,
} from "./step-result.js";

/** What passes a norm module in a forward pass. */
export interface Passing {
  /** What the module reads, (B,T,C). */
  readonly x: Tensor;
  /** The position class of each token, (B,T). */
  readonly classes: Tensor;
  readonly config: Gpt2Config;
  readonly params: Readonly<Record<string, Tensor>>;
}

/** What an update measures at a norm module: tensors, which it reads with its results, and frees. */
export type Measure = (module: NormModule, passing: Passing) => readonly Tensor[];

/** How one update is done. */
export interface StepOptions {
  readonly norms: NormTable;
  /** λ of the auxiliary loss; 0 leaves it out. */
  readonly auxiliaryWeight: number;
  /** What it draws the stds to; by default their own mean. */
  readonly auxiliaryTarget?: number | undefined;
  readonly measure?: Measure | undefined;
}

/** How all updates are done. */
export interface TrainerOptions {
  /** Keeps only what goes into each block and computes it again in the backward pass: less memory, the same bits. */
  readonly recompute?: boolean | undefined;
  /** Whose prediction is to be matched in place of the text: weights of the same config. */
  readonly teacher?: Weights | undefined;
  /** The teacher's norms; by default LayerNorm everywhere. */
  readonly teacherNorms?: NormTable | undefined;
  /** What to do where training diverges; by default, to lower the learning rate. */
  readonly advice?: string | undefined;
}

/**
 * The loss, or the gradient's norm, is no number any more. That update changed nothing, but others may have followed before
 * anyone knew: they are not to be kept.
 */
export class DivergedError extends Error {
  constructor(
    message: string,
    /** Updates done before the one that it happened in. */
    readonly step: number,
  ) {
    super(message);
  }
}

/** What to do where numbers were lost in training. */
export const DIVERGED_ADVICE = "training has diverged; lower the learning rate";

const NOTHING_TRAINED =
  "nothing was trained before it, so something passed float32's largest, 3.4e38, for the weights or the recipe's " +
  "auxiliaryWeight are too large";

/** Everything that training has changed. */
export interface TrainerState {
  readonly weights: WeightsInMemory;
  readonly optimizer: AdamWState;
}

/** Updates that are read together on an asynchronous backend: so many, or those of about a second if that is fewer. */
const MOST_UPDATES = 10;
const MOST_MILLISECONDS = 1000;

type Named = Readonly<Record<string, Tensor>>;

/** Parameters in training on a backend; `free` when done. */
export class Trainer {
  readonly params: Named;
  readonly #optimizer: AdamW;
  readonly #teacher: Model | undefined;
  readonly #pending: PendingUpdate[] = [];
  /** When the first of the pending updates began. */
  #pendingSince = 0;
  /** Updates that are read together. The first is read at once: it tells how long one takes. */
  #readEvery = 1;

  private constructor(
    readonly backend: Backend,
    readonly config: Gpt2Config,
    params: Named,
    readonly recipe: TrainingRecipe,
    readonly options: TrainerOptions,
    teacher: Model | undefined,
  ) {
    this.params = params;
    this.#teacher = teacher;
    const { beta1, beta2, adamEps: eps, weightDecay, moments } = recipe;
    this.#optimizer = new AdamW(backend, this.params, {
      ...{ beta1, beta2, eps, weightDecay, moments },
      // As nanoGPT has it: matrices and embeddings decay; biases, gamma and beta do not.
      decays: (_name, { shape }) => shape.length >= 2,
    });
  }

  /**
   * Puts the weights on the backend, and the teacher's; they are read for that and not needed afterwards.
   * @throws Error of what reads them, or of the backend where they do not fit; then nothing is left there
   */
  static async create(
    backend: Backend,
    config: Gpt2Config,
    weights: Weights,
    recipe: TrainingRecipe,
    options: TrainerOptions = {},
  ): Promise<Trainer> {
    const { teacher, teacherNorms: norms = standardNorms(config) } = options;
    const params = await uploadWeights(backend, weights);
    let ofTeacher: Named = {};
    try {
      if (teacher) ofTeacher = await uploadWeights(backend, teacher);
      const model = teacher && { config, params: ofTeacher, norms };
      return new Trainer(backend, config, params, recipe, options, model);
    } catch (error) {
      freeParams(params);
      freeParams(ofTeacher);
      throw error;
    }
  }

  /** Updates done. */
  get step(): number {
    return this.#optimizer.step;
  }

  /** Whose prediction is to be matched, on the device. */
  get teacher(): Model | undefined {
    return this.#teacher;
  }

  /** The rows of the coming update: those of T, then the short ones. */
  rows(tokens: Uint16Array): Batch[] {
    const { recipe, config, step } = this;
    const { batchSize, blockSize, seed, eotShare, shortShare, shortTokens } = recipe;
    return trainingRows({
      ...{ tokens, batchSize, blockSize, seed, step },
      ...(config.eot !== undefined && { begin: { id: config.eot, share: eotShare } }),
      ...(shortShare > 0 && { short: { tokens: shortTokens, share: shortShare } }),
    });
  }

  /** The same, as many at a time as are in memory at once. */
  microBatches(tokens: Uint16Array): Batch[] {
    const { microBatchSize, blockSize } = this.recipe;
    return this.rows(tokens).flatMap((batch) => {
      const count = (microBatchSize * blockSize) / batch.T;
      return Array.from({ length: Math.ceil(batch.B / count) }, (_, i) => batchRows(batch, i * count, count));
    });
  }

  /**
   * One update on the batch that belongs to it. Nothing is waited for: what the host wants to know of it stays on the
   * device until `results` are taken.
   */
  async update(tokens: Uint16Array, options: StepOptions): Promise<void> {
    const { backend, recipe, step } = this;
    // A CPU backend never waits, so without this a process in training would not hear Control-C, nor a page its clicks.
    await new Promise((resolve) => setTimeout(resolve));
    if (this.#pending.length === 0) this.#pendingSince = performance.now();
    const loss = zeros(backend, []);
    const auxiliary = options.auxiliaryWeight === 0 ? undefined : zeros(backend, []);
    const measured: Measured[] = [];
    let grads: Named = {};
    for (const batch of this.microBatches(tokens)) {
      const part = this.#microBatch(batch, options, { loss, auxiliary, grads });
      measured.push(part.measured);
      grads = part.grads;
    }
    const learningRate = warmupCosine(recipe.learningRate, step);
    const normSquared = this.#optimizer.update(grads, { learningRate, maxNorm: recipe.maxNorm });
    freeParams(grads);
    this.#pending.push({ step: this.step, learningRate, loss, auxiliary, normSquared, measured });
  }

  /** It is time to take the results: as many updates wait for it as should be read together. */
  get resultsDue(): boolean {
    return this.#pending.length >= this.#readEvery;
  }

  /**
   * What the updates gave whose results were not taken yet, in order, read with one wait. To be taken before anyone else
   * uses the weights: they may be worth nothing.
   * @throws DivergedError at the first update whose loss or gradient is not finite.
   */
  async *results(): AsyncGenerator<StepResult, void> {
    const updates = this.#pending.splice(0);
    if (updates.length === 0) return;
    const results = await readUpdates(this.backend, updates);
    // Nothing is left to wait for; a GPU gives up buffers here that no update takes any more.
    await this.backend.sync();
    if (this.backend.asynchronous) {
      const each = (performance.now() - this.#pendingSince) / updates.length;
      this.#readEvery = Math.max(1, Math.min(MOST_UPDATES, Math.floor(MOST_MILLISECONDS / each)));
    }
    for (const result of results) {
      const { loss, gradNorm } = result;
      const step = result.step - 1;
      this.#checkFinite("the loss", loss, step);
      this.#checkFinite("the gradient's norm", gradNorm, step);
      yield result;
    }
  }

  #checkFinite(what: string, value: number, step: number): void {
    if (Number.isFinite(value)) return;
    // The first step's loss is that of the model as it was given: no learning rate has anything to do with it.
    const why = step === 0 ? NOTHING_TRAINED : (this.options.advice ?? DIVERGED_ADVICE);
    throw new DivergedError(`${what} is ${value} at step ${step}: ${why}`, step);
  }

  /** Adds the micro-batch's share of the loss, and its gradients to those of the batch so far, if there are any. */
  #microBatch(
    batch: Batch,
    { norms, auxiliaryWeight, auxiliaryTarget, measure }: StepOptions,
    batchSoFar: { readonly loss: Tensor; readonly auxiliary: Tensor | undefined; readonly grads: Named },
  ): { readonly measured: Measured; readonly grads: Named } {
    const { backend, config, recipe, params } = this;
    const tokens = uploadTokens(backend, config, batch);
    const targets = uploadTargets(backend, config, batch.targets, batch.T);
    const tape = new Tape(backend);
    const measured: Record<string, readonly Tensor[]> = {};
    const { classes } = tokens;
    try {
      const leaves = Object.entries(params).map(
        ([name, param]) => [name, tape.leaf(param, batchSoFar.grads[name])] as const,
      );
      const loss = trainingLoss({ config, params: Object.fromEntries(leaves), norms }, tokens, targets, {
        totalTokens: recipe.batchSize * recipe.blockSize,
        auxiliaryWeight,
        auxiliaryTarget,
        recompute: this.options.recompute,
        teacher: this.#teacher,
        hooks:
          measure &&
          atNormInputs(config, (module, { tensor: x }) => {
            measured[module] = measure(module, { x, classes, config, params });
          }),
      });
      backend.run("scale", { x: loss.prediction.tensor }, { factor: 1 }, { y: batchSoFar.loss });
      if (loss.auxiliary && batchSoFar.auxiliary) {
        backend.run("scale", { x: loss.auxiliary.tensor }, { factor: 1 }, { y: batchSoFar.auxiliary });
      }
      tape.backward(loss.total);
      const grads = leaves.map(
        ([name, leaf]) => [name, batchSoFar.grads[name] ?? tape.takeGradient(leaf)] as const,
      );
      return { measured, grads: Object.fromEntries(grads) };
    } finally {
      tape.free();
      freeTokens(tokens);
      targets.free();
    }
  }

  /**
   * Mean loss of a batch, of any number of sequences, with these norms and the parameters of now, in nats a token: what
   * an update would tell of it. Nothing is trained; the results of all updates are to be taken before.
   */
  async loss(batch: Batch, norms: NormTable): Promise<number> {
    const { backend, config, recipe, params } = this;
    const loss = zeros(backend, []);
    const totalTokens = batch.targets.length;
    for (let row = 0; row < batch.B; row += recipe.microBatchSize) {
      const part = batchRows(batch, row, Math.min(recipe.microBatchSize, batch.B - row));
      const tokens = uploadTokens(backend, config, part);
      const targets = uploadTargets(backend, config, part.targets, part.T);
      const share = evaluate((variables) => {
        const options = { totalTokens, teacher: this.#teacher };
        return trainingLoss({ config, params: variables, norms }, tokens, targets, options).prediction;
      }, params);
      backend.run("scale", { x: share }, { factor: 1 }, { y: loss });
      share.free();
      targets.free();
      freeTokens(tokens);
    }
    const [value] = await loss.read();
    loss.free();
    return value;
  }

  /** @throws DivergedError when a loss with the norms of now is no number, as the coming update's would be. */
  checkLoss(loss: number): void {
    this.#checkFinite("the loss", loss, this.step);
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
    this.#pending.splice(0).forEach(freeUpdate);
    freeParams(this.params);
    this.#optimizer.free();
    if (this.#teacher) freeParams(this.#teacher.params);
  }
}
