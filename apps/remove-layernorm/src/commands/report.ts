/** `normless report`: the page of a run, at any time. */
import { basename, join } from "node:path";
import type { Io } from "../terminal/io.js";
import { command } from "../options/command.js";
import { htmlOption } from "../options/options.js";
import { reportData } from "../report/data.js";
import { renderRun } from "../report/run-page.js";
import { checkResults, writeResult } from "../run-folder/result-file.js";
import { CONFIG, METRICS, REPORT, SUMMARY } from "../run-folder/run-files.js";
import { readRunRecord } from "../run-folder/run-record.js";

export interface ReportOptions {
  readonly html?: string | undefined;
}

export function reportCommand(io: Io) {
  return command("report", "The page of a run of remove: of one that goes on, was stopped, or has ended", [
    "runs/gpt2",
    "runs/gpt2 --html so-far.html",
  ])
    .argument("<run>", "the run's folder")
    .addOption(htmlOption(`the run's ${REPORT}`))
    .action((run, options) => report(io, run, options));
}

/** The run's own process may be at work: nothing of it is touched but its page. */
export async function report(io: Io, run: string, { html }: ReportOptions): Promise<void> {
  const record = await readRunRecord(io, run);
  const read = [CONFIG, METRICS, SUMMARY].map((name) => join(run, name));
  const asked = { "--html": html ?? join(run, REPORT) };
  const { "--html": path } = await checkResults(asked, { "the run's": read });
  const what = record.summary
    ? `the run in ${basename(run)}`
    : `the run in ${basename(run)}, which has not ended`;
  await writeResult(io, path, renderRun(reportData(record)), what);
}
