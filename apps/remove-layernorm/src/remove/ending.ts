/** How a run of `normless remove` ends, and what is said then. */
import type { Summary } from "@normless/removal";
import { EXIT } from "../errors.js";
import { divergenceAdvice } from "../run-folder/divergence-advice.js";
import { CONTROL, LN_FREE, PARTLY, REPORT, STOCK, SUMMARY } from "../run-folder/run-files.js";
import { explainFailure, resumeCommand } from "../run-folder/run-folder.js";
import { Stopped } from "../terminal/interrupt.js";
import type { Io } from "../terminal/io.js";
import { resultTable } from "../terminal/tables.js";
import { wroteText } from "../terminal/wrote.js";
import { sayScaled } from "./recipes.js";
import { plannedModel } from "./removal-input.js";
import { type Removed, type RemoveJob, runRemove } from "./remove-job.js";

/** How it is told what a run's recipe was changed to, and how the run ended. */
export interface Tell {
  scaled(name: string, notes: readonly string[]): void;
  /** `advice`: what to do about a divergence on the way. */
  stopped(out: string, advice: string | undefined): void;
  ended(out: string, removed: Removed): void;
}

export function telling(io: Io): Tell {
  return {
    scaled: (name, notes) => sayScaled(io, name, notes),
    stopped(out, advice) {
      io.err(`stopped; a checkpoint is saved. To go on:\n  ${resumeCommand("remove", out)}\n`);
      if (advice !== undefined) io.err(`${advice}\n`);
    },
    ended: (out, { plan, summary }) =>
      io.out(`\n${resultTable(io, summary, plan.sites)}\n${written(io, out, summary)}`),
  };
}

/** Runs the job; the exit code. */
export async function finishRemoval(io: Io, out: string, job: RemoveJob, tell: Tell): Promise<number> {
  const { recipe, model } = job;
  const run = {
    command: "remove",
    folder: out,
    recipe,
    removal: { recipe, model: plannedModel(model) },
  } as const;
  const done = await runRemove(io, job).catch(async (error: unknown) =>
    explainFailure(error, "remove", out, await divergenceAdvice(run, error)),
  );
  if (done instanceof Stopped) {
    tell.stopped(out, await divergenceAdvice(run));
    return done.exitCode;
  }
  tell.ended(out, done);
  return EXIT.ok;
}

const written = (io: Io, out: string, { seconds }: Summary) =>
  wroteText(io, out, seconds, [
    [REPORT, "the whole run on one page: open it in a browser"],
    [`${LN_FREE}/`, "the LN-free model, its norms folded into plain weights"],
    [`${PARTLY}/`, "the model, with what went folded into the weights and the other LayerNorms in place"],
    [`${STOCK}/`, "the same for stock software: GPT2LMHeadModel.from_pretrained loads it"],
    [`${CONTROL}/`, "the control, with its LayerNorms"],
    [SUMMARY, "the numbers above; metrics.jsonl has every step, config.json how to repeat it"],
  ]);
