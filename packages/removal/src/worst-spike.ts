/** The worst moment of a run. */
import type { StepEvent } from "./events.js";

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
