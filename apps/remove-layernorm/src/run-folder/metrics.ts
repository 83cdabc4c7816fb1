/** What metrics.jsonl says of an event: the same for the same seed, but for the timings, which come last. */
import { join } from "node:path";
import { z } from "zod";
import type { RunEvent } from "@normless/removal";
import type { TrainEvent } from "@normless/train";
import { parseJson } from "@normless/text";
import { messageOf } from "../errors.js";
import { checkJson } from "../json/json.js";
import { readText } from "../json/text-file.js";
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

/** What of each kind of event is asked for before it is believed; JSON has null for what is no number. */
const number = z.number().nullable();
const step = z.int().min(0);
const of = <T extends RunEvent["type"]>(type: T, fields: z.ZodRawShape) =>
  z.looseObject({ type: z.literal(type), ...fields });
const eventSchema = z.discriminatedUnion("type", [
  of("plan", {
    recipe: z.looseObject({}),
    config: z.looseObject({}),
    removals: z.array(z.unknown()),
    sites: z.looseObject({}),
  }),
  of("step", { phase: z.string(), step, loss: number, gradNorm: number, learningRate: number }),
  of("eval", { loss: number }),
  of("look", { phase: z.string(), step, kinds: z.array(z.looseObject({})) }),
  of("removal", { step, removal: z.looseObject({}) }),
  of("change", { step, changes: z.array(z.unknown()), recipe: z.looseObject({}) }),
  of("first-position", { model: z.string(), ratio: number }),
  of("stds", { model: z.string(), stds: z.looseObject({}) }),
  of("sample", { model: z.string(), text: z.string() }),
  of("fold", { relativeDifference: number }),
]);

/** What a run's metrics tell. */
export interface Metrics {
  readonly events: readonly RunEvent[];
  /** What cannot be read, in words; undefined where all can. */
  readonly damage?: string;
}

/** So many lines that cannot be read are named. */
const NAMED = 8;

/**
 * Every event that a run's folder keeps, of all processes that worked on it, as far as they can be read. Of a run that goes
 * on, the last line may be there in part: what has no line end is none yet.
 */
export async function readMetrics(folder: string): Promise<Metrics> {
  const path = join(folder, METRICS);
  let text: string;
  try {
    text = await readText(path);
  } catch (error) {
    return { events: [], damage: `${path}: ${messageOf(error)}` };
  }
  const events: RunEvent[] = [];
  const bad: { readonly line: number; readonly why: string }[] = [];
  for (const [i, line] of text.split("\n").slice(0, -1).entries()) {
    try {
      // What the lines of a run hold, metricsLine made of its events.
      events.push(checkJson("it", eventSchema, parseJson(line, "it")) as unknown as RunEvent);
    } catch (error) {
      bad.push({ line: i + 1, why: messageOf(error) });
    }
  }
  const [first] = bad;
  if (!(first as typeof first | undefined)) return { events };
  const lines = bad.slice(0, NAMED).map(({ line }) => line);
  const more = bad.length > NAMED ? ` and ${bad.length - NAMED} more` : "";
  const which = `${bad.length === 1 ? "line" : "lines"} ${lines.join(", ")}${more}`;
  return {
    events,
    damage: `${path}: ${which} cannot be read and are left out (line ${first.line}: ${first.why})`,
  };
}
