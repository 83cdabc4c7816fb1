/**
 * Where the rows of a training batch begin. Windows out of the middle of text hardly ever show a model its first
 * positions, and never a beginning: here a share of the rows begins with end-of-text, as what people give a model does,
 * and a share is cut into short rows, each from the first position on.
 */
import { type Batch, batchAt, type BatchAtOptions } from "./batches.js";

/** Which batch of a training, and which of its rows begin with an id or are cut short. */
export interface TrainingRows extends BatchAtOptions {
  /** Rows that begin with an id (end-of-text), the text after it: which id, and their share of all rows, 0 to 1. */
  begin?: { id: number; share: number } | undefined;
  /** Rows cut into pieces of so many tokens, which divide T, and the share of the batch's tokens in them, 0 to 1. */
  short?: { tokens: number; share: number } | undefined;
}

/**
 * The training batch of a step as one batch of rows of T and one of short rows; a kind without rows is left out. The
 * targets are those of `batchAt`, one for one. Both shares hold over any run of rows and steps, to a row: row n of all
 * belongs to a share where ⌊(n+1)·share⌋ > ⌊n·share⌋.
 * @throws RangeError where batchAt does, for a share outside of 0 to 1, and where T is no multiple of `short.tokens`
 */
export function trainingRows({ begin, short, ...options }: TrainingRows): Batch[] {
  const batch = batchAt(options);
  const { step, batchSize } = options;
  const first = step * batchSize;
  const share = short?.share ?? 0;
  checkShare("short", share);
  const cut = short === undefined ? 1 : pieces(batch.T, short.tokens);
  const isShort = (row: number) => belongs(first + row, share);
  const before = Math.floor(first * share);
  const parts = [
    { part: take(batch, (row) => !isShort(row)), firstRow: first - before },
    { part: cutRows(take(batch, isShort), cut), firstRow: before * cut },
  ];
  return parts
    .filter(({ part }) => part.B > 0)
    .map(({ part, firstRow }) => (begin ? withRowStarts(part, { ...begin, firstRow }) : part));
}

/** Whether row n of all belongs to a share of them: ⌊n·share⌋ of the first n do. */
function belongs(n: number, share: number): boolean {
  return Math.floor((n + 1) * share) > Math.floor(n * share);
}

function checkShare(name: string, share: number): void {
  if (share >= 0 && share <= 1) return;
  throw new RangeError(`trainingRows: ${name}.share is ${share}; it must be a number from 0 to 1`);
}

function pieces(T: number, tokens: number): number {
  if (Number.isSafeInteger(tokens) && tokens > 0 && T % tokens === 0) return T / tokens;
  throw new RangeError(
    `trainingRows: rows of ${T} tokens cannot be cut into rows of ${tokens}; give a divisor of ${T}`,
  );
}

function take({ inputs, targets, B, T }: Batch, wanted: (row: number) => boolean): Batch {
  const rows = Array.from({ length: B }, (_, row) => row).filter(wanted);
  const of = (ids: Int32Array) => {
    const taken = new Int32Array(rows.length * T);
    rows.forEach((row, i) => taken.set(ids.subarray(row * T, (row + 1) * T), i * T));
    return taken;
  };
  return { inputs: of(inputs), targets: of(targets), B: rows.length, T };
}

/** Every row as rows of T/pieces tokens of their own: the same ids in the same order. */
function cutRows({ inputs, targets, B, T }: Batch, pieces: number): Batch {
  return { inputs, targets, B: B * pieces, T: T / pieces };
}

/**
 * Some rows moved on by one position, for `id` to stand before them: inputs [id, w0 … w(T−2)], targets [w0 … w(T−1)].
 * `firstRow` is the number of the first row, counted over all batches.
 */
function withRowStarts(
  batch: Batch,
  { id, share, firstRow }: { readonly id: number; readonly share: number; readonly firstRow: number },
): Batch {
  checkShare("begin", share);
  const { B, T } = batch;
  const [inputs, targets] = [batch.inputs.slice(), batch.targets.slice()];
  for (let row = 0; row < B; row++) {
    if (!belongs(firstRow + row, share)) continue;
    const at = row * T;
    targets.set(batch.inputs.subarray(at, at + T), at);
    inputs.set(batch.inputs.subarray(at, at + T - 1), at + 1);
    inputs[at] = id;
  }
  return { inputs, targets, B, T };
}
