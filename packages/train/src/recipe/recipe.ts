/** A recipe: everything that decides the bits of a training, as plain data. Any field can be overridden. */
import type { WarmupCosine } from "@normless/optim";

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
  /** Share of the rows that begin with end-of-text, the text after it, as what people give a model does; 0 to 1. */
  readonly eotShare: number;
  /** Share of each batch's tokens that comes in short rows, for the first positions to be seen more often; 0 to 1. */
  readonly shortShare: number;
  /** Tokens of a short row; divides `blockSize`. */
  readonly shortTokens: number;
  readonly learningRate: WarmupCosine;
  readonly beta1: number;
  readonly beta2: number;
  readonly adamEps: number;
  /** How AdamW's moments are kept: bfloat16 takes half of the memory, on an engine that has it. */
  readonly moments: "float32" | "bfloat16";
  /** Decoupled, on tensors of two or more dimensions. */
  readonly weightDecay: number;
  /** Gradients are clipped to this global norm. */
  readonly maxNorm: number;
  /** Decides the batches (and fresh weights). */
  readonly seed: number;
  /** Validation tokens looked at, from the start of the validation set; 0 is all of it. */
  readonly validationTokens: number;
  /** A checkpoint every so many updates. */
  readonly checkpointEvery: number;
}

/** A training from fresh weights. */
export interface TrainRecipe extends TrainingRecipe {
  /** A look at the validation tokens every so many updates, besides the one at the end; 0 for that one alone. */
  readonly evaluateEvery: number;
}
