/** How far two lists of numbers are apart, and an error that says where. NaN and infinities are close to themselves alone. */

/** How far two lists are apart, and the index where they are furthest. */
export interface Closeness {
  /** max |actual − expected| / (max |expected|), the measure of every tolerance in this project. */
  readonly relative: number;
  readonly at: number;
}

/** How far `actual` is from `expected`, which is as long. */
export function closeness(actual: ArrayLike<number>, expected: ArrayLike<number>): Closeness {
  let largest = 0;
  let worst = 0;
  let at = 0;
  for (let i = 0; i < expected.length; i++) {
    if (!Number.isFinite(expected[i]) && Object.is(actual[i], expected[i])) continue;
    largest = Math.max(largest, Math.abs(expected[i]));
    const gap = Math.abs(actual[i] - expected[i]);
    if (!(gap <= worst)) {
      worst = Number.isNaN(gap) ? Infinity : gap;
      at = i;
    }
  }
  return { relative: worst === 0 ? 0 : worst / Math.max(largest, 1e-30), at };
}

/**
 * Does nothing where the lists are close. @throws Error naming what, the worst element and both values, when `relative`
 * is over the tolerance.
 */
export function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  if (actual.length !== expected.length) {
    throw new Error(`${what}: ${actual.length} values, expected ${expected.length}`);
  }
  const { relative, at } = closeness(actual, expected);
  if (!(relative <= tolerance)) {
    throw new Error(
      `${what}: relative difference ${relative.toExponential(2)} is over ${tolerance}; ` +
        `element ${at} is ${actual[at]}, expected ${expected[at]}`,
    );
  }
}
