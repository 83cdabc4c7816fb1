/** Endings of a context and what a model gives each of them: how multiple-choice questions are scored. */
import { checkFinite, type Model, OVERFLOW_ADVICE } from "@normless/gpt2";
import type { Tokenizer } from "@normless/text";
import { tokenNats } from "../nats.js";

/** One ending in its context, as tokens; both hold one at least. */
export interface ChoiceRow {
  readonly context: readonly number[];
  readonly ending: readonly number[];
}

/** What an ending costs a model. */
export interface ChoiceScore {
  /** Nats of the ending's tokens, added up. */
  readonly nats: number;
  /** How many tokens were scored. */
  readonly tokens: number;
}

/**
 * Context and ending encoded as one text, cut where the context's own tokens end; spaces at the context's end count
 * to the ending, and a context without text is end-of-text. As in lm-evaluation-harness (lm_eval/api/model.py,
 * `_encode_pair`).
 */
export function encodePair(tokenizer: Tokenizer, context: string, ending: string): ChoiceRow {
  const before = context.trimEnd();
  const whole = tokenizer.encode(context + ending);
  if (before === "") return { context: [tokenizer.eot], ending: whole };
  const { length } = tokenizer.encode(before);
  return { context: whole.slice(0, length), ending: whole.slice(length) };
}

/** A row cut to what a model can read: its last tokens. */
export interface CutRow {
  /** Context and ending. */
  readonly tokens: readonly number[];
  /** So many of the last are the ending. */
  readonly scored: number;
  /** Whether tokens were left out at the beginning. */
  readonly cut: boolean;
}

/**
 * A model of context T predicts T tokens from T others: of a longer row the last T + 1 stay, as in
 * lm-evaluation-harness. @throws RangeError when there is no context or no ending.
 */
export function cutRow({ context, ending }: ChoiceRow, blockSize: number): CutRow {
  if (context.length === 0 || ending.length === 0) {
    throw new RangeError(
      `cutRow: a context of ${context.length} and an ending of ${ending.length} tokens; each needs one at least`,
    );
  }
  const whole = [...context, ...ending];
  const tokens = whole.slice(-(blockSize + 1));
  const scored = Math.min(ending.length, tokens.length - 1);
  return { tokens, scored, cut: tokens.length < whole.length };
}

/** Tokens that `scoreChoices` runs through the model. */
export function choiceTokens(rows: readonly ChoiceRow[], blockSize: number): number {
  return rows.reduce((sum, row) => sum + cutRow(row, blockSize).tokens.length - 1, 0);
}

/** How many rows are scored at once, and which loss is no number. */
export interface ChoiceOptions {
  readonly batchSize: number;
  /** How an error calls a row; default by its number. */
  readonly place?: (row: number) => string;
}

/**
 * Scores rows, `batchSize` at a time; yields the tokens done so far, batch by batch. Rows of about the same length go
 * together, the longest first, and the shorter ones of a batch are padded at the end, where no scored token sees it: the
 * scores are those of each row alone.
 * @throws NotFiniteError naming the first row of a batch whose nats are no number
 */
export async function* scoreChoices(
  model: Model,
  rows: readonly ChoiceRow[],
  { batchSize, place = (row) => `row ${row}, from 0` }: ChoiceOptions,
): AsyncGenerator<number, ChoiceScore[]> {
  const cut = rows.map((row) => cutRow(row, model.config.blockSize));
  const order = cut.map((_, i) => i).sort((a, b) => cut[b].tokens.length - cut[a].tokens.length || a - b);
  const scores: ChoiceScore[] = Array.from({ length: rows.length });
  let done = 0;
  for (let first = 0; first < order.length; first += batchSize) {
    const batch = order.slice(first, first + batchSize);
    const nats = await endingNats(
      model,
      batch.map((i) => cut[i]),
    );
    checkFinite(nats, {
      what: "the loss of what is scored",
      place: (row) => place(batch[row]),
      advice: OVERFLOW_ADVICE,
    });
    batch.forEach((i, row) => (scores[i] = { nats: nats[row], tokens: cut[i].scored }));
    done += batch.reduce((sum, i) => sum + cut[i].tokens.length - 1, 0);
    yield done;
  }
  return scores;
}

async function endingNats(model: Model, rows: readonly CutRow[]): Promise<number[]> {
  const B = rows.length;
  const T = Math.max(...rows.map(({ tokens }) => tokens.length)) - 1;
  const inputs = new Int32Array(B * T);
  const targets = new Int32Array(B * T);
  rows.forEach(({ tokens }, row) => {
    inputs.set(tokens.slice(0, -1), row * T);
    targets.set(tokens.slice(1), row * T);
  });
  const values = await tokenNats(model, { inputs, targets, B, T });
  return rows.map(({ tokens, scored }, row) => {
    const end = row * T + tokens.length - 1;
    let sum = 0;
    for (let i = end - scored; i < end; i++) sum += values[i];
    return sum;
  });
}
