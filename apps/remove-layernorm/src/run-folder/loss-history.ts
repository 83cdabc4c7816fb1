/** The losses of a run as its metrics tell them, for what keeps checkpoints and for what helps after they are gone. */
import { LossWatch, type RunEvent } from "@normless/removal";
import type { TrainEvent } from "@normless/train";
import { readMetrics } from "./metrics.js";

/** Tells the watch of an event, if it is one that it goes by. */
export function watchEvent(watch: LossWatch, event: RunEvent | TrainEvent): void {
  if (event.type === "step") watch.takeStep(event);
  if (event.type === "removal") watch.takeRemoval(event);
}

/** A watch that knows what a run's folder tells so far, as far as it can be read. */
export async function watchFolder(
  folder: string,
  options: { readonly distilled: boolean },
): Promise<LossWatch> {
  const watch = new LossWatch(options);
  for (const event of (await readMetrics(folder)).events) watchEvent(watch, event);
  return watch;
}
