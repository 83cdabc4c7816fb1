/** The stretches of a text where two models differ most. */

/** One target token of a passage. */
export interface PassageToken {
  readonly id: number;
  /** Jensen-Shannon divergence of the two predictions of it, in nats. */
  readonly jsd: number;
  readonly loss: { readonly a: number; readonly b: number };
  /** The likeliest token of each model and its probability. */
  readonly top: { readonly a: TopToken; readonly b: TopToken };
}

export interface TopToken {
  readonly id: number;
  readonly probability: number;
}

export interface Passage {
  /** Where in the tokens the first one stands. */
  readonly start: number;
  /** Mean divergence over the passage. */
  readonly jsd: number;
  /** Ids that stand before it in its sequence, a few at most. */
  readonly before: readonly number[];
  readonly tokens: readonly PassageToken[];
}

/** A range of values. */
export interface Span {
  readonly begin: number;
  readonly end: number;
  readonly mean: number;
}

/**
 * The spans of `length` values with the highest means, highest first: at most one from each sequence. Sequences of
 * `T` values stand one after the other, the last may be shorter; a short one is a span as a whole.
 */
export function highestSpans(
  values: ArrayLike<number>,
  { T, length, count }: { readonly T: number; readonly length: number; readonly count: number },
): Span[] {
  const spans: Span[] = [];
  for (let from = 0; from < values.length; from += T) {
    const to = Math.min(values.length, from + T);
    const size = Math.min(length, to - from);
    let best = { begin: from, sum: -Infinity };
    let sum = 0;
    for (let i = from; i < to; i++) {
      sum += values[i];
      if (i - size >= from) sum -= values[i - size];
      // The first of equals, and rounding alone moves nothing.
      if (i - from + 1 >= size && sum > best.sum + 1e-12) best = { begin: i + 1 - size, sum };
    }
    spans.push({ begin: best.begin, end: best.begin + size, mean: best.sum / size });
  }
  return spans.sort((a, b) => b.mean - a.mean || a.begin - b.begin).slice(0, count);
}
