/** Learning rates as pure functions of the step. */
import { checkCount, checkFinite } from "./check.js";

/** Rates and steps of a warm-up and a cosine; steps are updates. */
export interface WarmupCosine {
  /** The highest rate, reached at the end of the warm-up. */
  readonly peak: number;
  /** The rate from `totalSteps` on. */
  readonly floor: number;
  readonly warmupSteps: number;
  readonly totalSteps: number;
}

/**
 * Linear warm-up to `peak`, then half a cosine down to `floor` at `totalSteps`, then `floor`. The first of
 * `warmupSteps` updates has peak/warmupSteps, so that no update is spent at rate 0.
 * @throws RangeError for a rate that is not finite or below 0, and for steps that are not whole numbers from 0 up.
 */
export function warmupCosine(schedule: WarmupCosine, step: number): number {
  const { peak, floor, warmupSteps, totalSteps } = schedule;
  for (const [name, rate] of Object.entries({ peak, floor })) checkFinite(`warmupCosine: ${name}`, rate);
  for (const [name, steps] of Object.entries({ warmupSteps, totalSteps, step })) {
    checkCount(`warmupCosine: ${name}`, steps);
  }
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
  if (step >= totalSteps) return floor;
  const progress = (step - warmupSteps) / (totalSteps - warmupSteps);
  return floor + (peak - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
}
