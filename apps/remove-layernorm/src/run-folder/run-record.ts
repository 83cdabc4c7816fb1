/** A removal's folder read for people, at any time: of a run that goes on, was stopped or has ended. Nothing is written. */
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Summary } from "@normless/removal";
import { checkJson, isObject, readJson } from "../json/json.js";
import { UsageError } from "../errors.js";
import { readMetrics } from "./metrics.js";
import { publicPath } from "../provenance/public-path.js";
import type { EndedProvenance } from "../provenance/schema.js";
import type { RunRecord } from "../report/data.js";
import { readRunConfig, removeConfigSchema } from "./run-config.js";
import { CONFIG, listFolder, METRICS, SUMMARY } from "./run-files.js";
import { newestCheckpointName, resumeCommand } from "./run-folder.js";
import { isInUse } from "./run-lock.js";

/** summary.json of a removal. */
export interface RunSummary extends Summary {
  readonly recipe: object;
  readonly provenance: EndedProvenance;
}

/** What is asked of a summary.json before it is believed; the rest is as the run wrote it. */
const summarySchema = z.looseObject({
  validation: z.looseObject({ original: z.number(), frozen: z.number(), folded: z.number() }),
  provenance: z.looseObject({ ended: z.string() }),
});

/** @throws UsageError when there is no run of `normless remove` in the folder. */
export async function readRunRecord(folder: string): Promise<RunRecord> {
  const there = await listFolder(folder);
  if (!there.includes(CONFIG) || !there.includes(METRICS)) {
    throw new UsageError(
      `${folder} is no run folder (it has no ${CONFIG} and ${METRICS}); give the --out of a normless remove`,
    );
  }
  const file = await readJson(join(folder, CONFIG));
  if (isObject(file) && file["command"] === "train") {
    throw new UsageError(`the run in ${folder} is one of normless train, which has no report`);
  }
  const { provenance } = await readRunConfig(folder, removeConfigSchema);
  // The summary first: where there is one, every event has been written.
  const summary = await readSummary(folder);
  const events = await readMetrics(folder);
  if (summary) return { provenance: summary.provenance, events, summary };
  const { mtime } = await stat(join(folder, METRICS));
  const hasCheckpoint = (await newestCheckpointName(folder)) !== undefined;
  const unfinished = {
    goesOn: await isInUse(folder),
    lastSign: mtime.toISOString(),
    ...(hasCheckpoint && { resume: resumeCommand("remove", publicPath(folder)) }),
  };
  return { provenance, events, unfinished };
}

/** Undefined where the run has not ended. @throws UsageError when it is none of a removal's. */
export async function readSummary(folder: string): Promise<RunSummary | undefined> {
  const path = join(folder, SUMMARY);
  if (!existsSync(path)) return undefined;
  const json = await readJson(path);
  checkJson(path, summarySchema, json);
  return json as RunSummary;
}
