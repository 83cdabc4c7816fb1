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

/** The token that a model holds for the likeliest. */
export interface TopToken {
  readonly id: number;
  readonly probability: number;
}

/** A stretch of text, and how far apart two models are in it. */
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

/** The span of `length` values with the highest mean, the first of equals; all of them where they are fewer. */
export function highestSpan(values: ArrayLike<number>, length: number): Span {
  const size = Math.min(length, values.length);
  let best = { begin: 0, sum: -Infinity };
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i];
    if (i >= size) sum -= values[i - size];
    // Rounding alone moves nothing.
    if (i + 1 >= size && sum > best.sum + 1e-12) best = { begin: i + 1 - size, sum };
  }
  return { begin: best.begin, end: best.begin + size, mean: best.sum / size };
}

/** With one more, the `count` where the models differ most, highest first. */
export function withPassage(passages: readonly Passage[], one: Passage, count: number): Passage[] {
  return [...passages, one].sort((a, b) => b.jsd - a.jsd || a.start - b.start).slice(0, count);
}
