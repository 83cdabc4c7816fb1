/** Primitives beside the better of the peers that have them: ratios of an op at a size, and what they come to. */
import { isPeer, type Row, unique } from "./results.js";

/** An op at a size, ours on so many threads. */
export interface Compared {
  readonly case: string;
  /** How many values. */
  readonly x: number;
  /** The better peer's time over ours. */
  readonly ratio: number;
}

/** How many threads of ours were measured, ascending. */
export const threadsOf = (rows: readonly Row[]): number[] =>
  unique(rows.filter(({ engine }) => !isPeer(engine)).map(({ threads }) => threads)).sort((a, b) => a - b);

/** All that a peer has, too. */
export function comparedOn(rows: readonly Row[], threads: number): Compared[] {
  return rows
    .filter((row) => !isPeer(row.engine) && row.threads === threads)
    .flatMap((row) => {
      const theirs = rows.filter(
        (other) => isPeer(other.engine) && other.case === row.case && other.x === row.x,
      );
      if (theirs.length === 0) return [];
      const best = Math.min(...theirs.map(({ value }) => value));
      return [{ case: row.case, x: row.x ?? 0, ratio: best / row.value }];
    });
}

export const slowerThanPeers = (compared: readonly Compared[]): Compared[] =>
  compared.filter(({ ratio }) => ratio < 1);

/** The geometric mean; undefined of nothing. */
export const meanRatio = (compared: readonly Compared[]): number | undefined =>
  compared.length === 0
    ? undefined
    : Math.exp(compared.reduce((sum, { ratio }) => sum + Math.log(ratio), 0) / compared.length);

export const lowestRatio = (compared: readonly Compared[]): number | undefined =>
  compared.length === 0 ? undefined : Math.min(...compared.map(({ ratio }) => ratio));
