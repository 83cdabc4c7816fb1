/**
 * Tokens to batches: inputs and the tokens that follow them, (B, T) row-major. Training batches are a pure function of
 * a seed and a step, so that a run can resume anywhere with nothing saved; evaluation batches go through the tokens in
 * order. Only integers are used: the same arguments give the same bits on every engine.
 */
import { permuted, randomAt } from "@normless/random";

/** B rows of T tokens each. */
export interface Batch {
  /** Tokens, (B, T) row-major. */
  inputs: Int32Array;
  /** For each input the token that follows it in the text, (B, T) row-major; end-of-text is a target like any other. */
  targets: Int32Array;
  /** Rows. */
  B: number;
  /** Tokens in a row. */
  T: number;
}

/** The text that batches are cut out of, and their size, (B,T). */
export interface BatchOptions {
  tokens: Uint16Array;
  /** B, the rows of a batch. */
  batchSize: number;
  /** T, the tokens of a row. */
  blockSize: number;
}

/** Which batch of a training: its seed and its number. */
export interface BatchAtOptions extends BatchOptions {
  /** A safe integer. */
  seed: number;
  /** 0, 1, 2, … */
  step: number;
}

// Sets these draws apart from a caller's own randomAt(seed, …): two runs may share a seed for all they do.
const OFFSET = 0xb47c0001;
const ORDER = 0xb47c0002;

/**
 * The training batch of a step. An epoch cuts the tokens into windows of T that do not overlap and visits each once,
 * in an order of its own; the cuts shift from epoch to epoch, by a random offset below T. Rows are dealt from one
 * endless run of epochs, so that a batch may hold the end of one and the start of the next. At an offset, up to 2T - 2
 * targets at the two ends of the text fall outside every window, others at the next one.
 * @throws RangeError when the corpus is empty or shorter than T + 1 tokens, or an option is no such integer
 */
export function batchAt({ tokens, batchSize, blockSize, seed, step }: BatchAtOptions): Batch {
  checkSizes("batchAt", tokens, batchSize, blockSize);
  if (tokens.length < blockSize + 1) {
    throw new RangeError(
      `batchAt: the corpus has ${tokens.length} tokens, and a row of blockSize ${blockSize} needs ${blockSize + 1} (its inputs and the token after them); use a longer corpus or a smaller blockSize`,
    );
  }
  if (!Number.isSafeInteger(step) || step < 0 || !Number.isSafeInteger(step * batchSize + batchSize)) {
    throw new RangeError(`batchAt: step is ${step}; it must be an integer, 0 or more`);
  }
  const perEpoch = windowsPerEpoch(tokens.length, blockSize);
  const offsets = Math.min(blockSize, tokens.length - perEpoch * blockSize);
  const starts = Array.from({ length: batchSize }, (_, row) => {
    const draw = step * batchSize + row;
    const epoch = Math.floor(draw / perEpoch) % 2 ** 32;
    const window = permuted(draw % perEpoch, perEpoch, seed, [epoch, ORDER]);
    return randomAt(seed, epoch, OFFSET).below(offsets) + window * blockSize;
  });
  return gather(tokens, starts, blockSize);
}

/**
 * How many windows of T an epoch of `batchAt` visits: as many as fit at every offset below T, and one at least.
 * An epoch is this many rows, and so this divided by B steps.
 */
export function windowsPerEpoch(tokenCount: number, blockSize: number): number {
  return Math.max(1, Math.floor(tokenCount / blockSize) - 1);
}

/**
 * Evaluation batches, in order, that hold every target exactly once: windows of T that do not overlap, B at a time.
 * The last batch of whole windows may have fewer rows; the tokens left over come last, as one batch of one shorter
 * row. A mean over all targets therefore weighs each batch's mean by its B * T.
 * @throws RangeError (on the first `next`) when there are fewer than 2 tokens, or an option is no positive integer
 */
export function* sequentialBatches({ tokens, batchSize, blockSize }: BatchOptions): Generator<Batch, void> {
  checkSizes("sequentialBatches", tokens, batchSize, blockSize);
  if (tokens.length < 2) {
    throw new RangeError("sequentialBatches: the corpus has 1 token, and an input with its target needs 2");
  }
  const targets = tokens.length - 1;
  const windows = Math.floor(targets / blockSize);
  for (let first = 0; first < windows; first += batchSize) {
    const rows = Math.min(batchSize, windows - first);
    const starts = Array.from({ length: rows }, (_, row) => (first + row) * blockSize);
    yield gather(tokens, starts, blockSize);
  }
  const left = targets - windows * blockSize;
  if (left > 0) yield gather(tokens, [windows * blockSize], left);
}

function gather(tokens: Uint16Array, starts: number[], T: number): Batch {
  const B = starts.length;
  const inputs = new Int32Array(B * T);
  const targets = new Int32Array(B * T);
  starts.forEach((start, row) => {
    inputs.set(tokens.subarray(start, start + T), row * T);
    targets.set(tokens.subarray(start + 1, start + T + 1), row * T);
  });
  return { inputs, targets, B, T };
}

function checkSizes(name: string, tokens: Uint16Array, batchSize: number, blockSize: number): void {
  for (const [option, value] of Object.entries({ batchSize, blockSize })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${name}: ${option} is ${value}; it must be a positive integer`);
    }
  }
  if (tokens.length === 0) {
    throw new RangeError(
      `${name}: the corpus is empty (0 tokens), and a row of blockSize ${blockSize} needs ${blockSize + 1}`,
    );
  }
}

/** `count` rows of a batch from `begin` on, or as many as there are. */
export function batchRows(batch: Batch, begin: number, count: number): Batch {
  const { T } = batch;
  const end = Math.min(batch.B, begin + count);
  const part = (ids: Int32Array) => ids.subarray(begin * T, end * T);
  return { inputs: part(batch.inputs), targets: part(batch.targets), B: end - begin, T };
}

/** The part of the validation set that a run looks at: its first `count` targets, or all for 0. */
export function validationPart(tokens: Uint16Array, count: number): Uint16Array {
  return count > 0 ? tokens.subarray(0, count + 1) : tokens;
}
