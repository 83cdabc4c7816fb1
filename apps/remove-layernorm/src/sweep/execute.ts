/** One run of a sweep, from wherever it stands to its end. */
import { isDeepStrictEqual } from "node:util";
import { join } from "node:path";
import { NotFiniteError } from "@normless/gpt2";
import { DivergedError } from "@normless/train";
import { remove } from "../commands/remove.js";
import type { RemoveOptions } from "../remove/options.js";
import { EXIT, messageOf } from "../errors.js";
import type { Io } from "../terminal/io.js";
import { readRunConfig, removeConfigSchema } from "../run-folder/run-config.js";
import { CONFIG, listFolder } from "../run-folder/run-files.js";
import { newestCheckpointName } from "../run-folder/run-folder.js";
import { readEnding } from "../run-folder/summary.js";
import type { Arm, SweepRun } from "./record.js";
import { firstDifference } from "./same-sweep.js";

export type Outcome = Pick<SweepRun, "state" | "error">;

export interface Execution {
  /** The sweep's folder. */
  readonly out: string;
  readonly run: SweepRun;
  readonly arm: Arm;
  /** Those of `remove`, with model, recipe and seed. */
  readonly options: RemoveOptions;
}

/** Errors are outcomes, too: they do not stop the others. */
export async function execute(io: Io, { out, run, arm, options }: Execution): Promise<Outcome> {
  const folder = join(out, run.folder);
  const quiet: Io = { ...io, out: () => undefined };
  // The sweep has said, or says itself, what there is to say.
  const silent = { scaled: () => undefined, stopped: () => undefined, ended: () => undefined };
  try {
    const stands = await standing(folder);
    if (stands !== "new") await checkSameRun(folder, arm, run.seed);
    if (stands === "finished") return { state: "finished" };
    const { threads } = options;
    const code =
      stands === "stopped"
        ? await remove(quiet, { resume: folder, threads }, silent)
        : await remove(quiet, { ...options, out: folder, force: stands === "begun" }, silent);
    return { state: code === EXIT.ok ? "finished" : "stopped" };
  } catch (error) {
    return { state: isDivergence(error) ? "diverged" : "failed", error: messageOf(error) };
  }
}

/** Begun: without a checkpoint that it could go on from. */
type Standing = "new" | "begun" | "stopped" | "finished";

export async function standing(folder: string): Promise<Standing> {
  const there = await listFolder(folder);
  if (!there.includes(CONFIG)) return "new";
  if ((await readEnding(folder)).summary) return "finished";
  return (await newestCheckpointName(folder)) === undefined ? "begun" : "stopped";
}

/** @throws Error when what is in the folder is not the sweep's run */
async function checkSameRun(folder: string, arm: Arm, seed: number): Promise<void> {
  const { recipe, provenance } = await readRunConfig(folder, removeConfigSchema);
  const what = firstDifference(recipe, { ...arm.fields, seed });
  const weights = (provenance.model?.weights ?? []).map(({ sha256 }) => sha256);
  const data = { train: provenance.data.train.sha256, validation: provenance.data.validation.sha256 };
  const isSame = isDeepStrictEqual(weights, arm.weights) && isDeepStrictEqual(data, arm.data);
  if (what === undefined && isSame) return;
  throw new Error(`${folder} holds another run: ${what ?? "its model or its data differ"}. Move it away`);
}

/** Whether training lost its numbers, as it would again; anything else may go better the next time. */
function isDivergence(error: unknown): boolean {
  if (error instanceof DivergedError || error instanceof NotFiniteError) return true;
  return error instanceof Error && error.cause !== undefined && isDivergence(error.cause);
}
