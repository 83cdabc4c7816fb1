/** The files of a run's folder: by their names it is known what a run wrote, which alone may be cleared. */
import { lstat, readdir, rm, rmdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { isModelFile } from "@normless/gpt2";
import { isTemporary } from "@normless/safetensors/node";
import { systemCode, UsageError } from "../errors.js";
import { isObject, readJson } from "../json/json.js";
import { checkOutputFolder, type Inputs, type OutputPath } from "../options/outputs.js";
import { checkUnused, isLock } from "./run-lock.js";

export const CONFIG = "config.json";
export const METRICS = "metrics.jsonl";
export const SUMMARY = "summary.json";
export const REPORT = "report.html";
export const CHECKPOINTS = "checkpoints";
export const TENSORBOARD = "tensorboard";
/** The tokens of standard input as a shard of llm.c, where a run reads that. */
export const STANDARD_INPUT = "standard-input.bin";
/** What `train` ends with. */
export const MODEL = "model";
/** What `remove` ends with; the second is for stock software, and a model with huge residuals has none. */
export const LN_FREE = "ln-free";
export const STOCK = "ln-free-gpt2";
/** What `remove` writes when its control is trained: nothing later could. */
export const CONTROL = "control";
/** What it ends with where LayerNorms stay, in place of both. */
export const PARTLY = "partly-ln-free";

/** Which command's run it is. */
export type RunCommand = "remove" | "train";

const COMMON = [CONFIG, METRICS, SUMMARY, CHECKPOINTS, TENSORBOARD, STANDARD_INPUT];
/** What stands in a run's folder and is the run's. */
export const RUN_NAMES: Readonly<Record<RunCommand, readonly string[]>> = {
  remove: [...COMMON, REPORT, LN_FREE, STOCK, PARTLY, CONTROL],
  train: [...COMMON, MODEL],
};

/** The files of each folder, by their path in it. */
const FOLDERS: Readonly<Record<string, (path: string) => boolean>> = {
  [CHECKPOINTS]: (path) => /^step-\d+\.msgpack$/.test(path),
  [TENSORBOARD]: (path) => /^(control|removal|train|validation)\/events\.out\.tfevents\.[^/]+$/.test(path),
  [MODEL]: isModelFile,
  [LN_FREE]: isModelFile,
  [STOCK]: isModelFile,
  [CONTROL]: isModelFile,
  [PARTLY]: isModelFile,
};
/** Whether a run of this command writes a file of this path in its folder, with `/` between names. */
function isRunFile(command: RunCommand, path: string): boolean {
  const [top, ...rest] = path.split("/");
  if (!RUN_NAMES[command].includes(top)) return false;
  const inside = rest.join("/");
  const files = FOLDERS[top];
  return files ? files(inside) : rest.length === 0;
}

/** The names in a folder, but for locks and what is being written; none when there is no such folder. */
export async function listFolder(path: string): Promise<string[]> {
  const names = await readdir(path).catch((error: unknown): string[] => {
    if (systemCode(error) === "ENOENT") return [];
    if (systemCode(error) === "ENOTDIR") throw new UsageError(`${path} is a file; a folder is needed`);
    throw error;
  });
  return names.filter((name) => !isLock(name) && !isTemporary(name));
}

/** Where a run goes that was given no folder: `runs/distilled-2026-01-31-09-05-00`, in UTC. */
export function newRunPath(name: string, now: Date): string {
  return join("runs", `${name}-${now.toISOString().slice(0, 19).replace(/[T:]/g, "-")}`);
}

/** Of the runs of all commands: which one is given up is not known yet. */
const ALL_NAMES = [...new Set(Object.values(RUN_NAMES).flat())];

/** What `--out` of a new run says, and all that the run reads. */
export interface NewRun {
  readonly command: RunCommand;
  readonly force: boolean;
  readonly inputs: Inputs;
}

/** A folder that a run may begin in. */
export interface NewFolder {
  readonly path: OutputPath;
  readonly command: RunCommand;
  readonly force: boolean;
}

/**
 * The folder of a new run, before anything is touched in it.
 * @throws UsageError when there is something already, or somebody at work, or what the run reads, saying what to do.
 */
export async function checkNewFolder(path: string, run: NewRun): Promise<NewFolder> {
  const { command, force, inputs } = run;
  await checkUnused(path);
  const isNew = (await listFolder(path)).length === 0;
  if (!isNew && !force) throw notEmpty(path);
  if (!isNew) await filesToClear(path, command);
  const checked = await checkOutputFolder({ option: "--out", path, names: ALL_NAMES }, inputs);
  return { path: checked, command, force };
}

function notEmpty(path: string): UsageError {
  return new UsageError(
    `the run folder ${path} exists and is not empty. Go on with its run: --resume ${path}. ` +
      "Or choose another folder: --out DIR. Or give that run up: --force",
  );
}

/**
 * The folder of a run to go on with.
 * @throws UsageError when the run would write over what it reads, or out of the folder through a link.
 */
export async function checkOldFolder(path: string, command: RunCommand, inputs: Inputs): Promise<OutputPath> {
  for (const name of RUN_NAMES[command].filter((name) => name in FOLDERS)) {
    const found = await lstat(join(path, name)).catch(() => undefined);
    if (found === undefined || found.isDirectory()) continue;
    const what = found.isSymbolicLink() ? "a link" : "a file";
    throw new UsageError(
      `${join(path, name)} is ${what}; the run makes a folder there, and writes nowhere else. Move it away`,
    );
  }
  return checkOutputFolder({ option: "--resume", path, names: RUN_NAMES[command] }, inputs);
}

/** @throws UsageError when a file of a run that is written to, or read whole, is a link or none that ends */
export async function checkPlainFiles(path: string): Promise<void> {
  for (const name of [CONFIG, METRICS, SUMMARY, STANDARD_INPUT]) {
    const found = await lstat(join(path, name)).catch(() => undefined);
    if (found === undefined || found.isFile()) continue;
    const what = found.isSymbolicLink() ? "a link" : "no ordinary file";
    throw new UsageError(
      `${join(path, name)} is ${what}; a run's files are in its folder. Put the file itself there`,
    );
  }
}

/** What there is in a run's folder. */
interface RunFiles {
  /** Paths in it that a run wrote. */
  readonly written: readonly string[];
  /** Paths in it that no run wrote. */
  readonly others: readonly string[];
  /** The run's folders in it, each after those inside of it. */
  readonly folders: readonly string[];
}

/**
 * What a run that is given up has written, for another of `command` to begin in its place.
 * @throws UsageError when it is no run's folder, or holds what no run wrote and the new one would write over.
 */
async function filesToClear(path: string, command: RunCommand): Promise<RunFiles> {
  const instead = "so --force does not clear it. Choose another folder: --out DIR";
  const there = await listFolder(path);
  // A run that was killed as it began may have its configuration alone.
  if (!there.includes(METRICS) && there.some((name) => name !== CONFIG)) {
    throw new UsageError(`${path} is not empty and is no run folder (it has no ${METRICS}), ${instead}`);
  }
  const before = await commandOf(path);
  if (!before) {
    throw new UsageError(`${join(path, CONFIG)} does not tell which command's run is in ${path}, ${instead}`);
  }
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const paths = (folders: boolean) =>
    entries
      .filter((entry) => entry.isDirectory() === folders && !isLock(entry.name))
      .map((entry) => relative(path, join(entry.parentPath, entry.name)).replaceAll(sep, "/"))
      .filter((file) => !file.split("/").some(isTemporary));
  const files = paths(false);
  const written = files.filter((file) => isRunFile(before, file));
  const others = files.filter((file) => !written.includes(file));
  // A link in the place of a folder would lead what is written, and what is cleared next time, out of this one.
  const lost = others.find((file) => isRunFile(command, file) || RUN_NAMES[command].includes(file));
  if (lost === undefined) {
    const folders = paths(true).filter((folder) => RUN_NAMES[before].includes(folder.split("/")[0]));
    return { written, others, folders: folders.sort((a, b) => b.length - a.length) };
  }
  throw new UsageError(
    `${join(path, lost)} is none of the files of the run in ${path}, and one of the new run would take its place. ` +
      "Move it, or choose another folder: --out DIR",
  );
}

/**
 * Removes what the run that is given up wrote, but for what the new one writes over first, and the folders that are empty
 * then; what it leaves, by its paths in the folder.
 * @throws UsageError as `checkNewFolder`: something may have come there since.
 */
export async function clearRun({ path, command, force }: NewFolder): Promise<readonly string[]> {
  if ((await listFolder(path)).length === 0) return [];
  if (!force) throw notEmpty(path);
  const { written, others, folders } = await filesToClear(path, command);
  // What tells that this is a run's folder stays, for the new run to write over: a kill on the way leaves one.
  const telling = [METRICS, CONFIG];
  for (const file of written) if (!telling.includes(file)) await rm(join(path, file), { force: true });
  for (const folder of folders) {
    await rmdir(join(path, folder)).catch((error: unknown) => {
      if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(systemCode(error) ?? "")) throw error;
    });
  }
  return others;
}

async function commandOf(path: string): Promise<RunCommand | undefined> {
  const config = await readJson(join(path, CONFIG)).catch(() => undefined);
  const command = isObject(config) ? config["command"] : undefined;
  return command === "remove" || command === "train" ? command : undefined;
}
