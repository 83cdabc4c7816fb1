/** What metrics.jsonl says of an event: the same for the same seed, but for the timings, which come last. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunEvent } from "@normless/removal";
import type { TrainEvent } from "@normless/train";
import { messageOf } from "../errors.js";
import { isObject } from "../json/json.js";
import { METRICS } from "./run-files.js";

/** Undefined for events that are not kept. */
export function metricsLine(event: RunEvent | TrainEvent): object | undefined {
  switch (event.type) {
    case "step": {
      const { seconds, tokensPerSecond, ...rest } = event;
      return { ...rest, seconds, tokensPerSecond };
    }
    case "eval":
    case "look": {
      const { seconds, ...rest } = event;
      return { ...rest, seconds };
    }
    case "removal":
    case "change":
    case "first-position":
    case "stds":
    case "sample":
    case "fold":
      return event;
    case "plan": {
      // What runs it, and from where on, is no part of what is done.
      const { backend: _backend, resumedAt: _resumedAt, ...rest } = event;
      return rest;
    }
    case "progress":
    case "control":
    case "checkpoint":
    case "done":
      return undefined;
  }
}

/**
 * Every event that a removal's folder keeps, of all processes that worked on it. Of a run that goes on, the last line may
 * be there in part: what has no line end is none yet.
 * @throws Error naming the line that is none of a run's
 */
export async function readMetrics(folder: string): Promise<RunEvent[]> {
  const path = join(folder, METRICS);
  const lines = (await readFile(path, "utf8")).split("\n").slice(0, -1);
  return lines.map((line, i) => {
    try {
      const event: unknown = JSON.parse(line);
      if (!isObject(event) || typeof event["type"] !== "string") throw new Error("it is no event of a run");
      // What the lines of a run hold, metricsLine made of its events.
      return event as unknown as RunEvent;
    } catch (cause) {
      throw new Error(`${path}: line ${i + 1}: ${messageOf(cause)}; was the file edited?`, { cause });
    }
  });
}
