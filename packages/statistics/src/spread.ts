/** What several runs of one kind come to, such as a recipe with several seeds. */

/** A figure over runs. */
export interface Spread {
  readonly count: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Standard deviation of the runs (n − 1); absent of one. */
  readonly std?: number;
}

/** Undefined where there is no value; what is no number counts for nothing. */
export function spreadOf(values: readonly (number | undefined)[]): Spread | undefined {
  const known = values.filter((value): value is number => value !== undefined && Number.isFinite(value));
  const count = known.length;
  if (count === 0) return undefined;
  const mean = known.reduce((sum, value) => sum + value, 0) / count;
  const low = Math.min(...known);
  const high = Math.max(...known);
  if (count === 1) return { count, mean, low, high };
  const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { count, mean, low, high, std: Math.sqrt(squares / (count - 1)) };
}
