/** What each part of a model writes for the logits of many prompts, on average. */
import { type Estimate, Resamples } from "@normless/statistics";
import type { AttributedPart, Attribution } from "./attribute.js";
import type { Part } from "./residual-parts.js";

/** A part and the mean of what it adds, with its interval over the prompts. */
export interface MeanPart extends Part {
  readonly logit: Estimate;
  readonly overMean: Estimate;
}

/** The means of many attributions of one model. */
export interface MeanAttribution {
  readonly prompts: number;
  /** Of the logit, or the difference. */
  readonly logit: Estimate;
  /** How often the logit, or the difference, is above 0. */
  readonly above: number;
  readonly exact: boolean;
  /** The mean of how far off the parts are as direct effects. */
  readonly offBy: number;
  readonly parts: readonly MeanPart[];
}

/** Intervals are of resamples of the prompts. @throws RangeError for none, and for attributions of different parts */
export function meanAttribution(
  attributions: readonly Attribution[],
  { seed = 0 }: { readonly seed?: number } = {},
): MeanAttribution {
  const [first] = attributions;
  const N = attributions.length;
  if (N === 0) throw new RangeError("meanAttribution: there is no attribution");
  const other = attributions.find(({ parts }) =>
    parts.some(({ name }, i) => name !== first.parts.at(i)?.name),
  );
  if (other || attributions.some(({ parts }) => parts.length !== first.parts.length)) {
    throw new RangeError("meanAttribution: the attributions are not of the same parts of one model");
  }
  const resamples = new Resamples(N, seed);
  const mean = (values: readonly number[]) =>
    resamples.estimate((times) => values.reduce((sum, value, i) => sum + times[i] * value, 0) / N);
  const over = (i: number, of: (part: AttributedPart) => number) =>
    mean(attributions.map(({ parts }) => of(parts[i])));
  return {
    prompts: N,
    logit: mean(attributions.map(({ logit }) => logit)),
    above: attributions.filter(({ logit }) => logit > 0).length / N,
    exact: first.exact,
    offBy: attributions.reduce((sum, { offBy }) => sum + offBy, 0) / N,
    parts: first.parts.map(({ logit: _logit, overMean: _over, direct: _direct, ...part }, i) => ({
      ...part,
      logit: over(i, ({ logit }) => logit),
      overMean: over(i, ({ overMean }) => overMean),
    })),
  };
}
