/** A removal's folder read for people, at any time: of a run that goes on, was stopped or has ended. Nothing is written. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { isObject, readJson } from "../json/json.js";
import { UsageError } from "../errors.js";
import { readMetrics } from "./metrics.js";
import { publicPath } from "../provenance/public-path.js";
import type { RunRecord } from "../report/data.js";
import { readRunConfig, removeConfigSchema } from "./run-config.js";
import type { Io } from "../terminal/io.js";
import { CONFIG, listFolder, METRICS } from "./run-files.js";
import { newestCheckpointName, resumeCommand } from "./run-folder.js";
import { isInUse } from "./run-lock.js";
import { damagedEnding, readEnding } from "./summary.js";

/**
 * What cannot be read of it is left out, and said.
 * @throws UsageError when there is no run of `normless remove` in the folder.
 */
export async function readRunRecord(io: Io, folder: string): Promise<RunRecord> {
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
  const { summary, damage: lost } = await readEnding(folder);
  if (lost !== undefined) io.err(`${damagedEnding(folder, lost)}\n`);
  const { events, damage } = await readMetrics(folder);
  if (damage !== undefined) io.err(`${damage}\n`);
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
