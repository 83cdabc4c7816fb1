/** A recipe: everything that decides the bits of a run, as plain data. Any field can be overridden. */
import type { WarmupCosine } from "@normless/optim";

/** When one kind of norm goes: layer i at step `start + i·gap`. */
export interface KindSchedule {
  readonly start: number;
  readonly gap: number;
}

export interface RemovalSchedule {
  readonly ln_2: KindSchedule;
  readonly "ln_1:qk": KindSchedule;
  readonly "ln_1:v": KindSchedule;
  readonly ln_f: number;
  /** The step at which the end-of-text constants become those of ordinary tokens. */
  readonly eot: number;
  /** The same for the first position. From then on every frozen norm has one constant, and can be folded. */
  readonly first: number;
}

/** What a step of training is, with or without LayerNorm. */
export interface TrainingRecipe {
  /** Updates in all. */
  readonly steps: number;
  /** Sequences an update (B). */
  readonly batchSize: number;
  /** Sequences in memory at once; divides `batchSize`. The gradient is that of the whole batch. */
  readonly microBatchSize: number;
  /** Tokens a sequence (T). */
  readonly blockSize: number;
  readonly learningRate: WarmupCosine;
  readonly beta1: number;
  readonly beta2: number;
  readonly adamEps: number;
  /** Decoupled, on tensors of two or more dimensions. */
  readonly weightDecay: number;
  /** Gradients are clipped to this global norm. */
  readonly maxNorm: number;
  /** Decides the batches (and fresh weights). */
  readonly seed: number;
  /** Validation tokens looked at, from the start of the validation set; 0 is all of it. */
  readonly validationTokens: number;
}

export interface RemovalRecipe extends TrainingRecipe {
  readonly name: string;
  /** λ of the auxiliary loss on the final residual's stds; the control run has none. */
  readonly auxiliaryWeight: number;
  readonly schedule: RemovalSchedule;
  /** A checkpoint every so many updates. */
  readonly checkpointEvery: number;
}

const optimizer = { beta1: 0.9, beta2: 0.95, adamEps: 1e-8, weightDecay: 0.1, maxNorm: 1 };

/** A training from fresh weights. */
export interface TrainRecipe extends TrainingRecipe {
  /** A look at the first `validationTokens` of the validation set every so many updates. */
  readonly evaluateEvery: number;
  /** A checkpoint every so many updates. */
  readonly checkpointEvery: number;
}

/**
 * The reference removal, for the model that ships: the published order, at a pace that suits its size. Of five trials,
 * one seed each, its LN-free loss was the lowest; peaks of 3e-4 left a larger gap, 5e-4 and 6e-4 a worse control.
 */
export const referenceRecipe: RemovalRecipe = {
  name: "reference",
  steps: 200,
  batchSize: 16,
  microBatchSize: 16,
  blockSize: 128,
  learningRate: { peak: 4.5e-4, floor: 4.5e-5, warmupSteps: 10, totalSteps: 200 },
  ...optimizer,
  seed: 1337,
  validationTokens: 65_536,
  auxiliaryWeight: 0.1,
  schedule: {
    ln_2: { start: 10, gap: 3 },
    "ln_1:qk": { start: 28, gap: 3 },
    "ln_1:v": { start: 46, gap: 4 },
    ln_f: 70,
    eot: 72,
    first: 76,
  },
  checkpointEvery: 50,
};

/** How the model that ships was trained: 8.2M tokens, a little over three times through its text. */
export const trainRecipe: TrainRecipe = {
  steps: 4000,
  batchSize: 16,
  microBatchSize: 16,
  blockSize: 128,
  learningRate: { peak: 2e-3, floor: 1e-4, warmupSteps: 100, totalSteps: 4000 },
  ...optimizer,
  seed: 1337,
  validationTokens: 32_768,
  evaluateEvery: 500,
  checkpointEvery: 500,
};
