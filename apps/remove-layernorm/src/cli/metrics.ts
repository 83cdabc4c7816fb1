/** What metrics.jsonl says of an event: the same for the same seed, but for the timings, which come last. */
import type { RunEvent, TrainEvent } from "../core/index.js";

/** Undefined for events that are not kept. */
export function metricsLine(event: RunEvent | TrainEvent): object | undefined {
  switch (event.type) {
    case "step": {
      const { seconds, tokensPerSecond, ...rest } = event;
      return { ...rest, seconds, tokensPerSecond };
    }
    case "eval": {
      const { seconds, ...rest } = event;
      return { ...rest, seconds };
    }
    case "removal":
    case "rollback":
    case "change":
    case "first-position":
    case "stds":
    case "sample":
    case "fold":
      return event;
    case "plan":
    case "progress":
    case "checkpoint":
    case "done":
      return undefined;
  }
}
