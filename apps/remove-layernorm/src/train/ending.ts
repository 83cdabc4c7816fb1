/** How a run of `normless train` ends, and what is said then. */
import { fingerprint, type TrainState } from "@normless/train";
import { EXIT } from "../errors.js";
import { divergenceAdvice } from "../run-folder/divergence-advice.js";
import type { TrainConfig } from "../run-folder/run-config.js";
import { MODEL, SUMMARY } from "../run-folder/run-files.js";
import { explainFailure, resumeCommand, type RunFolder } from "../run-folder/run-folder.js";
import { Stopped } from "../terminal/interrupt.js";
import type { Io } from "../terminal/io.js";
import { wroteText } from "../terminal/wrote.js";
import { runTrain, type TrainJob } from "./train-job.js";

/** Runs the job and says how it ended. */
export async function finishTraining(
  io: Io,
  out: string,
  job: TrainJob,
  openFolder: () => Promise<RunFolder<TrainState, TrainConfig>>,
): Promise<number> {
  // A model that cannot be read, or is none, is refused before there is a run folder.
  if (job.from && !job.resume) await fingerprint(job.from.weights);
  const folder = await openFolder();
  const { recipe } = job;
  const run = { command: "train", folder: out, recipe } as const;
  const summary = await runTrain(io, job, folder).catch(async (error: unknown) =>
    explainFailure(error, "train", out, await divergenceAdvice(run, error)),
  );
  if (summary instanceof Stopped) {
    io.err(`stopped; a checkpoint is saved. To go on:\n  ${resumeCommand("train", out)}\n`);
    const diverged = await divergenceAdvice(run);
    if (diverged !== undefined) io.err(`${diverged}\n`);
    return summary.exitCode;
  }
  const { validation, seconds } = summary;
  const files = [
    [`${MODEL}/`, "the model, as a Hugging Face folder"],
    [SUMMARY, "the number above; metrics.jsonl has every step, config.json how to repeat it"],
  ] as const;
  io.out(
    `validation cross-entropy ${validation.toFixed(4)} nats/token\n\n${wroteText(io, out, seconds, files)}`,
  );
  return EXIT.ok;
}
