/** What several runs of one kind come to, such as a recipe with several seeds. */
import type { StepEvent } from "./events.js";

/** A figure over runs. */
export interface Spread {
  readonly count: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Standard deviation of the runs (n − 1); absent of one. */
  readonly std?: number;
}

/** Undefined where there is no value; what is no number counts for nothing. */
export function spreadOf(values: readonly (number | undefined)[]): Spread | undefined {
  const known = values.filter((value): value is number => value !== undefined && Number.isFinite(value));
  const count = known.length;
  if (count === 0) return undefined;
  const mean = known.reduce((sum, value) => sum + value, 0) / count;
  const low = Math.min(...known);
  const high = Math.max(...known);
  if (count === 1) return { count, mean, low, high };
  const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { count, mean, low, high, std: Math.sqrt(squares / (count - 1)) };
}

/**
 * The most that an update's batch cost the removal: its loss above the control's on the same batch, in nats a token; in a
 * run without control, which is trained on the distance from the original, that distance itself.
 */
export function worstSpike(steps: readonly Pick<StepEvent, "phase" | "step" | "loss">[]): number | undefined {
  const control = new Map(
    steps.flatMap(({ phase, step, loss }) => (phase === "control" ? [[step, loss]] : [])),
  );
  const above = steps.flatMap(({ phase, step, loss }) =>
    phase === "removal" && Number.isFinite(loss) ? [loss - (control.get(step) ?? 0)] : [],
  );
  return above.length === 0 ? undefined : above.reduce((a, b) => Math.max(a, b));
}
