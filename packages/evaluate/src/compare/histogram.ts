/** Counts of values around zero. */

/** Counts by bins of equal width. */
export interface Histogram {
  /** The first bin's lower edge; bins of `width` follow. */
  readonly low: number;
  readonly width: number;
  /** An odd number of bins, the middle one around 0; the outermost hold all that is beyond them, too. */
  readonly counts: readonly number[];
}

const BINS = 41;
/** This share of the values is inside; a few far ones would flatten the rest. */
const INSIDE = 0.99;

/** Symmetric about 0. Where all values are 0, the width is 1. */
export function histogram(values: ArrayLike<number>): Histogram {
  const sizes = Float64Array.from(values, Math.abs).sort();
  const reach = sizes[Math.floor(INSIDE * (sizes.length - 1))] || sizes[sizes.length - 1];
  // 1 where all are 0, or so small that a bin's width is 0 in f64.
  const width = (2 * reach) / BINS || 1;
  const counts = new Array<number>(BINS).fill(0);
  const middle = (BINS - 1) / 2;
  for (let i = 0; i < values.length; i++) {
    const bin = middle + Math.round(values[i] / width);
    counts[Math.min(BINS - 1, Math.max(0, bin))]++;
  }
  return { low: (-width * BINS) / 2, width, counts };
}
