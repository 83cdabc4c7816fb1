/** summary.json, which a run writes last: who finds a whole one finds a finished run. */
import { join } from "node:path";
import { z } from "zod";
import type { Summary } from "@normless/removal";
import { parseJson } from "@normless/text";
import { messageOf, systemCode } from "../errors.js";
import { checkJson } from "../json/json.js";
import { readText } from "../json/text-file.js";
import type { EndedProvenance } from "../provenance/schema.js";
import { type RunCommand, SUMMARY } from "./run-files.js";

/** That of a removal. */
export interface RunSummary extends Summary {
  readonly recipe: object;
  readonly provenance: EndedProvenance;
}

const provenance = z.looseObject({ ended: z.string() });
/** What is asked of one before it is believed; the rest is as the run wrote it. */
const schemas = {
  remove: z.looseObject({
    validation: z.looseObject({ original: z.number(), frozen: z.number(), folded: z.number() }),
    provenance,
  }),
  train: z.looseObject({ validation: z.number(), provenance }),
} as const satisfies Record<RunCommand, z.ZodType>;

/** How a run's folder tells of its end. */
export interface Ending {
  /** Undefined where the run has not ended, or what it wrote of that is damaged. */
  readonly summary?: RunSummary;
  /** What is wrong with it, in words. */
  readonly damage?: string;
}

/** The end of a removal, or of a training: nobody asks what that says. */
export async function readEnding(folder: string, command: RunCommand = "remove"): Promise<Ending> {
  const path = join(folder, SUMMARY);
  let text: string;
  try {
    text = await readText(path);
  } catch (error) {
    return error instanceof Error && systemCode(error.cause) === "ENOENT" ? {} : { damage: messageOf(error) };
  }
  try {
    const json = parseJson(text, SUMMARY);
    checkJson<unknown>(SUMMARY, schemas[command], json);
    return { summary: json as RunSummary };
  } catch (error) {
    return { damage: messageOf(error) };
  }
}

/** How it is told that a run's end is to be done again. */
export function damagedEnding(folder: string, damage: string): string {
  return `${join(folder, SUMMARY)} is damaged (${damage}): the run counts as one that has not ended`;
}
