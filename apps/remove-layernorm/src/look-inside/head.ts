/** What `head` tells: where a head looks on a prompt, what it looks for, and what it writes. */
import type { Part } from "@normless/interpret";

export interface HeadData {
  readonly model: string;
  readonly prompt: string;
  readonly layer: number;
  readonly head: number;
  /** What stands at each position, in quotes. */
  readonly tokens: readonly string[];
  /** Whose attention is told of. */
  readonly query: number;
  /** A row for each query, its attention to every key. */
  readonly pattern: readonly (readonly number[])[];
  /** What it writes in all for single tokens, over the mean of all, without the constants of its values. */
  readonly whole: HeadWrites;
  /** The same from each key up to the query, and its share of the logit or difference that is told of. */
  readonly keys: readonly HeadKey[];
  /** The token whose logit is told of, and the one whose logit is taken off, in quotes. */
  readonly tokenText: string;
  readonly versusText?: string;
  readonly scores: HeadScores;
  readonly values: HeadValues;
}

export interface HeadToken {
  readonly token: number;
  readonly text: string;
  readonly logit: number;
}

export interface HeadWrites {
  readonly most: readonly HeadToken[];
  readonly least: readonly HeadToken[];
}

export interface HeadKey extends HeadWrites {
  readonly position: number;
  readonly attention: number;
  readonly logit: number;
}

/** Why the query attends to one key: the score as a sum over pairs of parts of the residual. */
export interface HeadScores {
  readonly key: number;
  readonly score: number;
  readonly exact: boolean;
  readonly offBy: number;
  readonly parts: readonly Part[];
  /** A row for each part at the query, a column for each at the key. */
  readonly pairs: readonly (readonly number[])[];
}

/** What the head adds to the logit, by key and part of the residual there. */
export interface HeadValues {
  readonly total: number;
  readonly exact: boolean;
  readonly offBy: number;
  readonly parts: readonly Part[];
  /** A row for each key. */
  readonly logits: readonly (readonly number[])[];
}

/** Rows of a matrix that is stored one after the other. */
export function rowsOf(values: ArrayLike<number>, width: number): number[][] {
  return Array.from({ length: values.length / width }, (_, r) =>
    Array.from({ length: width }, (_, c) => values[r * width + c]),
  );
}

/** Places of the largest amounts of a matrix, the largest first. */
export function largestPlaces(
  rows: readonly (readonly number[])[],
  count: number,
): [row: number, column: number][] {
  return rows
    .flatMap((row, r) => row.map((value, c): [number, number, number] => [r, c, Math.abs(value)]))
    .sort((a, b) => b[2] - a[2])
    .slice(0, count)
    .map(([r, c]) => [r, c]);
}
