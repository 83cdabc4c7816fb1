/**
 * The learning rate where updates have another number of tokens than it was chosen for. The square-root rule for Adam:
 * with κ times the batch, √κ times the rate has the same noise for its progress. Source: Malladi et al. 2022, "On the
 * SDEs and Scaling Rules for Adaptive Gradient Algorithms", arXiv 2205.10287. Theirs moves the betas and epsilon along,
 * for a run of 1/κ times the updates; a run keeps its updates here, and so its betas and epsilon.
 */
import type { WarmupCosine } from "@normless/optim";

/** What becomes of a rate: nothing, or the square-root rule. */
export const rateScalings = ["none", "sqrt"] as const;
/** One of rateScalings. */
export type RateScaling = (typeof rateScalings)[number];

/** Tokens an update, before and now. */
export interface RateChange {
  /** Tokens an update that the rate was chosen for. */
  readonly chosenFor: number;
  /** Tokens an update that there are. */
  readonly tokens: number;
}

/** What becomes of a learning rate. */
export interface ScaledRate {
  readonly learningRate: WarmupCosine;
  /** What became of the rate, or what the rule would make of it, in words; none where nothing has changed. */
  readonly notes: readonly string[];
}

/** Peak and floor by the rule, or as they are. */
export function scaleRate(rate: WarmupCosine, change: RateChange, scaling: RateScaling): ScaledRate {
  const { chosenFor, tokens } = change;
  if (tokens === chosenFor) return { learningRate: rate, notes: [] };
  const factor = Math.sqrt(tokens / chosenFor);
  const scaled = { ...rate, peak: rate.peak * factor, floor: rate.floor * factor };
  const [before, after] = [short(rate.peak), short(scaled.peak)];
  if (scaling === "sqrt") {
    const note = `learning rate: peak ${before} → ${after}, by the square root of the tokens an update`;
    return { learningRate: scaled, notes: [note] };
  }
  const note =
    `learning rate: the peak stays ${before}, which was chosen for ${chosenFor} tokens an update; the square-root ` +
    `rule would make it ${after}`;
  return { learningRate: rate, notes: [note] };
}

const short = (value: number) => String(Number(value.toPrecision(3)));
