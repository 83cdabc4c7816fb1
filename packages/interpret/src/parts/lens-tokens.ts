/** A logit lens in tokens: what each residual on the way would predict, and what it gives to one token. */
import type { Lens } from "./lens.js";
import type { ResidualName } from "./residual-parts.js";

/** A token and the probability that a residual gives it. */
export interface LensToken {
  readonly token: number;
  readonly probability: number;
}

/** A residual at a position, as a prediction. */
export interface LensCell {
  /** The likeliest, the likeliest first. */
  readonly top: readonly LensToken[];
  /** Of the token that is followed. */
  readonly logit: number;
  readonly probability: number;
  /** How many tokens are likelier than it. */
  readonly rank: number;
}

/** One residual at every position of the lens. */
export interface LensTokenRow {
  readonly at: ResidualName;
  readonly offBy: number;
  /** As many as the lens has positions. */
  readonly cells: readonly LensCell[];
}

/** What is told of a lens. */
export interface LensTokenOptions {
  /** Tokens that are followed, one a position. Default: at each position what the model itself predicts there. */
  readonly tokens?: readonly number[];
  /** How many of the likeliest are told. */
  readonly top?: number;
}

/** @throws RangeError for another number of tokens than the lens has positions */
export function lensTokens(
  { positions, rows }: Lens,
  { tokens, top = 5 }: LensTokenOptions = {},
): { readonly tokens: readonly number[]; readonly rows: readonly LensTokenRow[] } {
  const P = positions.length;
  if (tokens && tokens.length !== P) {
    throw new RangeError(
      `lensTokens: there are ${tokens.length} tokens for ${P} positions; give one for each`,
    );
  }
  const final = rows[rows.length - 1].logits;
  const V = final.length / P;
  const logitsOf = (values: ArrayLike<number>, p: number) =>
    Float64Array.from({ length: V }, (_, t) => values[p * V + t]);
  const followed =
    tokens ??
    positions.map((_, p) => logitsOf(final, p).reduce((best, x, t, all) => (x > all[best] ? t : best), 0));
  return {
    tokens: followed,
    rows: rows.map(({ at, offBy, logits }) => ({
      ...{ at, offBy },
      cells: positions.map((_, p) => cellOf(logitsOf(logits, p), followed[p], top)),
    })),
  };
}

function cellOf(logits: Float64Array, token: number, top: number): LensCell {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
  const probability = (t: number) => Math.exp(logits[t] - most) / total;
  return {
    top: largest(logits, top).map((t) => ({ token: t, probability: probability(t) })),
    logit: logits[token],
    probability: probability(token),
    rank: logits.reduce((count, logit) => count + Number(logit > logits[token]), 0),
  };
}

/** So many are kept in order as they come, which is quicker than a sort of all. */
const FEW = 32;

/** Where the `count` largest values are, the largest first; of equals the first. */
export function largest(values: Float64Array, count: number): number[] {
  if (count > FEW) {
    const order = Array.from(values, (_, t) => t).sort((a, b) => values[b] - values[a] || a - b);
    return order.slice(0, count);
  }
  const found: number[] = [];
  for (let t = 0; t < values.length; t++) {
    if (found.length === count && !(values[t] > values[found[count - 1]])) continue;
    const at = found.findIndex((one) => values[t] > values[one]);
    found.splice(at < 0 ? found.length : at, 0, t);
    if (found.length > count) found.pop();
  }
  return found;
}
