/**
 * What goes next, with as few measurements as will do: lazy greedy selection. Source: Minoux, "Accelerated greedy
 * algorithms for maximizing submodular set functions", 1978.
 */

export interface Measured<C> {
  readonly candidate: C;
  /** Nats more with it gone than without, measured now. */
  readonly damage: number;
}

export interface Selection<C> {
  /** The damage that was measured last, at some earlier step; undefined is not known. */
  readonly known: (candidate: C) => number | undefined;
  /** The damage now; asked at most once of each. */
  readonly measure: (candidate: C) => Promise<number>;
  /** Nats up to which several go. */
  readonly together: number;
}

/**
 * The least damaging candidate, and as many of the next as do so little that all of them together stay within
 * `together`, the least damaging first, the first of equals first.
 *
 * An earlier damage counts as the least that a candidate may do now: the more norms are gone, the dearer the next. So a
 * candidate is measured only when its earlier damage is the smallest figure left, and not when even that one would be
 * more than `together`. Nothing is chosen by an earlier figure. Where damages only grew, the choice is that of measuring
 * all; where one shrank, its candidate may go later than it could have.
 */
export async function gentlest<C>(
  candidates: readonly C[],
  { known, measure, together }: Selection<C>,
): Promise<Measured<C>[]> {
  let left = candidates.map((candidate) => ({
    candidate,
    damage: known(candidate) ?? -Infinity,
    measured: false,
  }));
  const chosen: Measured<C>[] = [];
  let sum = 0;
  while (left.length > 0) {
    const next = left.reduce((least, one) => (one.damage < least.damage ? one : least));
    const after = sum + Math.max(0, next.damage);
    if (chosen.length > 0 && after > together) break;
    if (next.measured) {
      sum = after;
      chosen.push({ candidate: next.candidate, damage: next.damage });
      left = left.filter((one) => one !== next);
    } else {
      next.damage = await measure(next.candidate);
      next.measured = true;
    }
  }
  return chosen;
}
