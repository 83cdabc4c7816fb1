/** The losses of a run as its metrics tell them, for what keeps checkpoints and for what helps after they are gone. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LossWatch, type RunEvent, type TrainEvent } from "../core/index.js";
import { METRICS } from "./run-files.js";

/** Tells the watch of an event, if it is one that it goes by. */
export function watchEvent(watch: LossWatch, event: RunEvent | TrainEvent): void {
  if (event.type === "step") watch.takeStep(event);
  if (event.type === "removal") watch.takeRemoval(event);
}

/** A watch that knows all lines of metrics so far. */
export function watchLines(lines: readonly unknown[], options: { readonly distilled: boolean }): LossWatch {
  const watch = new LossWatch(options);
  // These lines are the events that a run wrote.
  for (const line of lines as readonly RunEvent[]) watchEvent(watch, line);
  return watch;
}

/** The same of a run's folder; a watch that knows nothing where there is none. */
export async function watchFolder(
  path: string,
  options: { readonly distilled: boolean },
): Promise<LossWatch> {
  const text = await readFile(join(path, METRICS), "utf8").catch(() => "");
  const lines = text.split("\n").flatMap((line): unknown[] => {
    // The last one may have been cut off.
    try {
      return line === "" ? [] : [JSON.parse(line)];
    } catch {
      return [];
    }
  });
  return watchLines(lines, options);
}
