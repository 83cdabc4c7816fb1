/** Where losses are looked at apart: ranges of positions, and rows by what they start with. */
import type { Gpt2Config } from "@normless/gpt2";
import type { Batch, Tokenizer } from "@normless/text";

/** Positions from `begin` up to but not including `end`. */
export interface PositionRange {
  readonly begin: number;
  readonly end: number;
}

const BOUNDS = [1, 2, 8, 32, 128];

/** The ranges of rows of T tokens: 0, 1, 2–7, 8–31, 32–127, then doubling; the last is cut at T. */
export function positionRanges(T: number): PositionRange[] {
  const ranges: PositionRange[] = [];
  for (let begin = 0; begin < T;) {
    const end = Math.min(T, BOUNDS.find((bound) => bound > begin) ?? 2 * begin);
    ranges.push({ begin, end });
    begin = end;
  }
  return ranges;
}

/** `0`, `2–7`. */
export function rangeName({ begin, end }: PositionRange): string {
  return end - begin === 1 ? String(begin) : `${begin}–${end - 1}`;
}

/**
 * What a row starts with:
 * - plain: whatever stands where a window of the text begins
 * - eot-middle: end-of-text, and then the same
 * - eot-document: end-of-text, and then a document from its beginning
 */
export const ROW_KINDS = ["plain", "eot-middle", "eot-document"] as const;
/** One of ROW_KINDS. */
export type RowKind = (typeof ROW_KINDS)[number];

/** The kinds as tables name them. */
export const rowKindNames: Readonly<Record<RowKind, string>> = {
  plain: "plain windows",
  "eot-middle": "end-of-text, mid-text",
  "eot-document": "end-of-text, document",
};

/** So many targets of the text; the first follows the input at `start`, or end-of-text where the kind begins with it. */
export interface Row {
  readonly start: number;
  readonly length: number;
}

/** Rows of one kind. */
export interface KindRows {
  readonly kind: RowKind;
  /** The text that they are of. */
  readonly tokens: Uint16Array;
  readonly rows: readonly Row[];
  /** How many there are in the text. */
  readonly available: number;
  /** What a row that begins with end-of-text begins with. */
  readonly eot?: number | undefined;
}

/** What was not looked at, and why: a kind of rows, a range of one, or a figure of all. */
export interface NotMeasured {
  readonly kind?: RowKind | undefined;
  readonly range?: PositionRange | undefined;
  readonly figure?: "kl" | undefined;
  readonly why: string;
}

/** The rows of all kinds that a text has, and what it does not have. */
export interface RowSet {
  /** T: no row is longer. */
  readonly blockSize: number;
  readonly kinds: readonly KindRows[];
  readonly notMeasured: readonly NotMeasured[];
}

/** Which text the rows are of, and how many are taken. */
export interface RowSetOptions {
  readonly tokens: Uint16Array;
  readonly blockSize: number;
  /** The id of end-of-text, where there is one. */
  readonly eot: number | undefined;
  /** The text whose documents are looked at, since `tokens` may hold few; default `tokens`. */
  readonly documents?: Uint16Array | undefined;
  /** At most so many rows of a kind, spread evenly over the text; default all. A kind of 0 rows is left out. */
  readonly most?: Readonly<Partial<Record<RowKind, number>>> | undefined;
}

/**
 * The rows of every kind that the text has: of the same text the same, so that models can be compared on them.
 * @throws RangeError when there are fewer than 2 tokens
 */
export function rowSet({ tokens, blockSize, eot, documents = tokens, most = {} }: RowSetOptions): RowSet {
  if (tokens.length < 2) throw new RangeError(`rowSet: ${tokens.length} tokens, and a row needs 2 at least`);
  const starts = eot === undefined ? [] : documentRows(documents, { blockSize, eot });
  const windows = {
    tokens,
    available: Math.ceil((tokens.length - 1) / blockSize),
    at: windowsOf(tokens, blockSize),
  };
  const ofDocuments = { tokens: documents, available: starts.length, at: (i: number) => starts[i] };
  const lacks = {
    plain: undefined,
    "eot-middle": eot === undefined ? NO_EOT : undefined,
    "eot-document": eot === undefined ? NO_EOT : whyNoDocuments(documents, eot, starts.length),
  };
  const wanted = ROW_KINDS.filter((kind) => most[kind] !== 0);
  return {
    blockSize,
    kinds: wanted
      .filter((kind) => lacks[kind] === undefined)
      .map((kind): KindRows => {
        const { at, ...from } = kind === "eot-document" ? ofDocuments : windows;
        const rows = spread(from.available, most[kind] ?? Infinity).map(at);
        return { kind, ...from, rows, ...(kind !== "plain" && { eot }) };
      }),
    notMeasured: wanted.flatMap((kind) => {
      const why = lacks[kind];
      return why === undefined ? [] : [{ kind, why }];
    }),
  };
}

/** Targets in all rows. */
export function rowTargets({ kinds }: RowSet): number {
  return kinds.reduce((sum, { rows }) => rows.reduce((all, { length }) => all + length, sum), 0);
}

/** A batch of rows of one kind. */
export interface RowBatch extends Batch {
  /** Which of the kind's rows these are. */
  readonly rows: readonly number[];
  /** How many of the T targets of each are its own; what follows fills up, and no target of its own sees it. */
  readonly lengths: readonly number[];
}

/** All rows of a kind, `batchSize` at a time; those of about the same length together, the longest first. */
export function* rowBatches({ tokens, rows, eot }: KindRows, batchSize: number): Generator<RowBatch, void> {
  const order = rows.map((_, i) => i).sort((a, b) => rows[b].length - rows[a].length || a - b);
  for (let first = 0; first < order.length; first += batchSize) {
    const some = order.slice(first, first + batchSize);
    const B = some.length;
    const T = rows[some[0]].length;
    const inputs = new Int32Array(B * T);
    const targets = new Int32Array(B * T);
    some.forEach((i, row) => {
      const { start, length } = rows[i];
      if (eot === undefined) {
        inputs.set(tokens.subarray(start, start + length), row * T);
        targets.set(tokens.subarray(start + 1, start + length + 1), row * T);
      } else {
        inputs[row * T] = eot;
        inputs.set(tokens.subarray(start, start + length - 1), row * T + 1);
        targets.set(tokens.subarray(start, start + length), row * T);
      }
    });
    yield { inputs, targets, B, T, rows: some, lengths: some.map((i) => rows[i].length) };
  }
}

/** The id of end-of-text, where a model has a row for one. */
export function eotOf({
  config: { eot, vocabSize },
  tokenizer,
}: {
  readonly config: Pick<Gpt2Config, "eot" | "vocabSize">;
  readonly tokenizer?: Pick<Tokenizer, "eot"> | undefined;
}): number | undefined {
  const id = eot ?? tokenizer?.eot;
  return id !== undefined && id < vocabSize ? id : undefined;
}

const NO_EOT = "the model has no end-of-text";

function whyNoDocuments(tokens: Uint16Array, eot: number, documents: number): string | undefined {
  if (!tokens.includes(eot))
    return "the text has no end-of-text, so that nobody knows where its documents begin";
  if (documents < 2) return "the text has but one document, and an interval needs two";
  return undefined;
}

/** The windows that sequentialBatches cuts, by their number. */
function windowsOf(tokens: Uint16Array, blockSize: number): (i: number) => Row {
  return (i) => {
    const start = i * blockSize;
    return { start, length: Math.min(blockSize, tokens.length - 1 - start) };
  };
}

/** Of each document as much as fits after end-of-text: its own end-of-text is the last target. Empty ones are none. */
function documentRows(
  tokens: Uint16Array,
  { blockSize, eot }: { readonly blockSize: number; readonly eot: number },
): Row[] {
  const rows: Row[] = [];
  for (let start = 0; start < tokens.length;) {
    const found = tokens.indexOf(eot, start);
    const end = found < 0 ? tokens.length : found + 1;
    if (tokens[start] !== eot) rows.push({ start, length: Math.min(blockSize, end - start) });
    start = end;
  }
  return rows;
}

/** At most so many of the numbers below `count`, evenly spread. */
function spread(count: number, most: number): number[] {
  const picked = Math.min(count, most);
  return Array.from({ length: picked }, (_, i) => Math.floor((i * count) / picked));
}
