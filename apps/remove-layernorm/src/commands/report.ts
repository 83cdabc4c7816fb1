/** `normless report`: the page of a run, at any time. */
import { basename, join } from "node:path";
import type { Io } from "../terminal/io.js";
import * as shared from "../options/options.js";
import { reportData } from "../report/data.js";
import { renderRun } from "../report/run-page.js";
import { checkResults, writeResult } from "../run-folder/result-file.js";
import { CONFIG, METRICS, REPORT, SUMMARY } from "../run-folder/run-files.js";
import { readRunRecord } from "../run-folder/run-record.js";

export interface ReportOptions {
  readonly out?: string | undefined;
}

export function reportCommand(io: Io) {
  return shared
    .command("report", "The page of a run of remove: of one that goes on, was stopped, or has ended", [
      "runs/gpt2",
      "runs/gpt2 --out so-far.html",
    ])
    .argument("<run>", "the run's folder")
    .option("--out <file.html>", `where to write the page (default: the run's ${REPORT})`)
    .action((run, options) => report(io, run, options));
}

/** The run's own process may be at work: nothing of it is touched but its page. */
export async function report(io: Io, run: string, { out }: ReportOptions): Promise<void> {
  const record = await readRunRecord(run);
  const read = [CONFIG, METRICS, SUMMARY].map((name) => join(run, name));
  const { "--out": path } = await checkResults({ "--out": out ?? join(run, REPORT) }, { "the run's": read });
  const what = record.summary
    ? `the run in ${basename(run)}`
    : `the run in ${basename(run)}, which has not ended`;
  await writeResult(io, path, renderRun(reportData(record)), what);
}
