/**
 * Whether a model is right as often as it is sure: the expected calibration error of its likeliest token, in 15 bins of
 * equal width. Source: Guo et al. 2017 (arXiv 1706.04599), eq. 3.
 */

/** Bins of equal width between 0 and 1. */
export const CALIBRATION_BINS = 15;

/** By bin, one after the other: predictions, the sum of their confidences, how many were right. */
export type CalibrationSums = Float64Array;

/** Predictions of like confidence: how sure they were, and how often right. */
export interface CalibrationBin {
  /** Of the bin, from above `low` to `high`. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** Mean probability of the likeliest token; undefined in an empty bin, as is `accuracy`. */
  readonly confidence: number | undefined;
  /** How often it was the token that came. */
  readonly accuracy: number | undefined;
}

/** Sums with nothing counted. */
export function calibrationSums(): CalibrationSums {
  return new Float64Array(3 * CALIBRATION_BINS);
}

/** Counts a prediction in; `confidence` is in (0, 1]. */
export function addPrediction(sums: CalibrationSums, confidence: number, right: boolean): void {
  const bin = Math.min(CALIBRATION_BINS - 1, Math.max(0, Math.ceil(confidence * CALIBRATION_BINS) - 1));
  sums[3 * bin] += 1;
  sums[3 * bin + 1] += confidence;
  sums[3 * bin + 2] += right ? 1 : 0;
}

/** Σ over bins of their share of predictions · |accuracy − mean confidence|. */
export function calibrationError(sums: CalibrationSums): number {
  let [gap, total] = [0, 0];
  for (let at = 0; at < sums.length; at += 3) {
    gap += Math.abs(sums[at + 2] - sums[at + 1]);
    total += sums[at];
  }
  return total === 0 ? 0 : gap / total;
}

/** The bins that anything was counted in, as means. */
export function calibrationBins(sums: CalibrationSums): CalibrationBin[] {
  return Array.from({ length: CALIBRATION_BINS }, (_, bin) => {
    const [count, confidences, right] = sums.subarray(3 * bin, 3 * bin + 3);
    const mean = (sum: number) => (count === 0 ? undefined : sum / count);
    const [low, high] = [bin / CALIBRATION_BINS, (bin + 1) / CALIBRATION_BINS];
    return { low, high, count, confidence: mean(confidences), accuracy: mean(right) };
  });
}
