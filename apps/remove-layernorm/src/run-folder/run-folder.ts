/**
 * A run's folder: its configuration, the metrics line by line, checkpoints, and what the run ends with. Whole files are
 * written beside their place and renamed, so that a full disk or a kill leaves what was there before.
 */
import { appendFile, open, readFile, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { withFile } from "@normless/data";
import { makeFolder, writeFileAtomic } from "@normless/safetensors/node";
import { writeLlmcShard } from "@normless/text";
import {
  type Checkpoint,
  type CheckpointKind,
  DamagedCheckpointError,
  decodeCheckpoint,
  encodeCheckpoint,
} from "./checkpoint.js";
import type { TrainerState } from "@normless/train";
import { messageOf, UsageError } from "../errors.js";
import { bytes } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import type { OutputPath } from "../options/outputs.js";
import { type RemoveConfig, runConfigText, type TrainConfig } from "./run-config.js";
import {
  CHECKPOINTS,
  checkPlainFiles,
  clearRun,
  CONFIG,
  listFolder,
  METRICS,
  type NewFolder,
  STANDARD_INPUT,
  SUMMARY,
} from "./run-files.js";
import { readMetrics } from "./metrics.js";
import { damagedEnding, readEnding } from "./summary.js";
import { normlessCommand } from "../shell.js";

const KEPT_CHECKPOINTS = 2;
/** So many files that a run leaves alone are named. */
const NAMED = 8;

export class RunFolder<S extends TrainerState, C extends RemoveConfig | TrainConfig> {
  #metricsBytes: number;

  private constructor(
    readonly path: string,
    readonly kind: CheckpointKind<S>,
    readonly config: C,
    metricsBytes: number,
  ) {
    this.#metricsBytes = metricsBytes;
  }

  /** A new run in an empty folder, or over a run that is given up; says what is there that no run wrote. */
  static async create<S extends TrainerState, C extends RemoveConfig | TrainConfig>(
    io: Io,
    place: NewFolder,
    kind: CheckpointKind<S>,
    config: C,
  ): Promise<RunFolder<S, C>> {
    const left = await clearRun(place);
    const more = left.length > NAMED ? `, and ${left.length - NAMED} more` : "";
    if (left.length > 0) {
      io.err(`left as they are in ${place.path}: ${left.slice(0, NAMED).join(", ")}${more}\n`);
    }
    const { path } = place;
    await makeFolder(path);
    const folder = new RunFolder(path, kind, config, 0);
    await folder.writeText(CONFIG, runConfigText(config));
    await folder.writeText(METRICS, "");
    return folder;
  }

  /**
   * Goes on with a run: cuts its metrics back to the checkpoint, and clears later ones. The configuration is what a later
   * process goes on with. Of metrics that are damaged what there is stays, and what is missing is said.
   */
  static async reopen<S extends TrainerState, C extends RemoveConfig | TrainConfig>(
    io: Io,
    path: OutputPath,
    kind: CheckpointKind<S>,
    { metricsBytes, updates }: FoundCheckpoint<S>,
    config: C,
  ): Promise<RunFolder<S, C>> {
    for (const name of await checkpointFiles(path)) {
      if (updatesOf(name) > updates) await rm(join(path, CHECKPOINTS, name));
    }
    const file = join(path, METRICS);
    const text = await readFile(file).catch(() => Buffer.alloc(0));
    // After the line that ends there, or the last one before.
    const end = text.subarray(0, metricsBytes).lastIndexOf("\n") + 1;
    await (text.length > 0 ? truncate(file, end) : writeFileAtomic(file, []));
    const { damage } = await readMetrics(path);
    const missing = `${file} has ${bytes(end)} of the ${bytes(metricsBytes)} that it had at the checkpoint`;
    for (const what of [end < metricsBytes ? missing : undefined, damage]) {
      if (what !== undefined) io.err(`${what}; the run goes on, and its report will lack the rest\n`);
    }
    const folder = new RunFolder(path, kind, config, end);
    await folder.writeText(CONFIG, runConfigText(config));
    return folder;
  }

  /** Keeps the tokens that came from standard input, if any did. */
  async keepInput(tokens: Uint16Array | undefined): Promise<void> {
    if (tokens) await writeFileAtomic(join(this.path, STANDARD_INPUT), [writeLlmcShard(tokens)]);
  }

  /** One more line of metrics. */
  async appendMetrics(line: object): Promise<void> {
    const path = join(this.path, METRICS);
    const text = Buffer.from(`${JSON.stringify(line)}\n`);
    await appendFile(path, text).catch((cause: unknown) => {
      throw new Error(
        `${path}: writing failed: ${messageOf(cause)}. Free some space on its disk, or give the right to write`,
        { cause },
      );
    });
    this.#metricsBytes += text.length;
  }

  /** Saves a state as of update `step` of the whole run, and drops older ones as `dropCheckpoints` does. */
  async saveCheckpoint(step: number, state: S, sound: (updates: number) => boolean): Promise<string> {
    const folder = join(this.path, CHECKPOINTS);
    const path = join(folder, `step-${String(step).padStart(8, "0")}.msgpack`);
    await makeFolder(folder);
    await this.#syncMetrics();
    const checkpoint = { metricsBytes: this.#metricsBytes, config: this.config, state };
    await writeFileAtomic(path, encodeCheckpoint(this.kind, checkpoint));
    await this.dropCheckpoints(sound);
    return path;
  }

  /**
   * Drops the checkpoints before the last two; but the last one of an update after which all was `sound` is kept, to go back
   * to. A run that goes on begins with it, since it may have been killed before it came to that.
   */
  async dropCheckpoints(sound: (updates: number) => boolean): Promise<void> {
    const files = await checkpointFiles(this.path).catch(() => []);
    const safe = files.find((name) => sound(updatesOf(name)));
    for (const name of files.slice(KEPT_CHECKPOINTS)) {
      if (name !== safe) await rm(join(this.path, CHECKPOINTS, name));
    }
  }

  /** A checkpoint counts on the lines before it, so they reach the disk first. */
  async #syncMetrics(): Promise<void> {
    const file = await open(join(this.path, METRICS), "r+");
    await file.sync().finally(() => file.close());
  }

  async writeJson(name: string, value: object): Promise<void> {
    await this.writeText(name, `${JSON.stringify(value, undefined, 2)}\n`);
  }

  async writeText(name: string, text: string): Promise<void> {
    await writeFileAtomic(join(this.path, name), [new TextEncoder().encode(text)]);
  }
}

/** Updates of the whole run, by a checkpoint's name. */
function updatesOf(name: string): number {
  return Number(/\d+/.exec(name)?.[0]);
}

/** Updates of the whole run that there are checkpoints of, newest first. */
export async function checkpointUpdates(path: string): Promise<number[]> {
  return (await checkpointFiles(path).catch(() => [])).map(updatesOf);
}

/** Names of checkpoint files, newest first. */
async function checkpointFiles(path: string): Promise<string[]> {
  const names = await listFolder(join(path, CHECKPOINTS));
  return names
    .filter((name) => /^step-\d+\.msgpack$/.test(name))
    .sort()
    .reverse();
}

/** A checkpoint, and after how many updates of the whole run it was made. */
export interface FoundCheckpoint<S> extends Checkpoint<S> {
  readonly updates: number;
}

/**
 * The newest checkpoint that is whole, or that of so many updates. Says which is read, since one of GPT-2 small takes half a
 * minute, and which are damaged.
 * @throws UsageError when the folder has no run to go on with, or no such checkpoint.
 * @throws Error when all are damaged, or the newest is of another command or version.
 */
export async function newestCheckpoint<S extends TrainerState>(
  io: Io,
  path: string,
  kind: CheckpointKind<S>,
  updates?: number,
): Promise<FoundCheckpoint<S>> {
  await checkPlainFiles(path);
  const there = await listFolder(path);
  if (![CONFIG, METRICS, CHECKPOINTS].some((name) => there.includes(name))) {
    throw new UsageError(`${path} is no run folder (it has no ${CONFIG} and ${METRICS}); nothing to resume`);
  }
  const { summary, damage } = await readEnding(path, kind.name);
  if (summary) {
    throw new UsageError(`the run in ${path} is finished (there is a ${SUMMARY}); nothing to resume`);
  }
  if (damage !== undefined) io.err(`${damagedEnding(path, damage)}\n`);
  const all = await checkpointFiles(path);
  if (all.length === 0) {
    throw new UsageError(`the run in ${path} has no checkpoint yet; start it again: --out ${path} --force`);
  }
  const files = updates === undefined ? all : all.filter((name) => updatesOf(name) === updates);
  if (files.length === 0) {
    const there = all.map(updatesOf).join(", ");
    throw new UsageError(
      `${path} has no checkpoint of ${updates} updates; give --checkpoint ${there.replace(/, (\d+)$/, " or $1")}`,
    );
  }
  for (const name of files) {
    const file = join(path, CHECKPOINTS, name);
    try {
      const checkpoint = await withFile(file, (content) => {
        io.err(`going on from ${file} (${bytes(content.size)})\n`);
        return decodeCheckpoint(kind, content);
      });
      return { ...checkpoint, updates: updatesOf(name) };
    } catch (error) {
      if (!(error instanceof DamagedCheckpointError))
        throw new Error(`${file}: ${messageOf(error)}`, { cause: error });
      io.err(`${file} is damaged: ${error.message}\n`);
    }
  }
  throw new Error(
    `every checkpoint in ${join(path, CHECKPOINTS)} is damaged (${files.join(", ")}). ` +
      `Start the run again: --out ${path} --force`,
  );
}

/** The name of the newest checkpoint, whole or not; undefined where there is none. */
export async function newestCheckpointName(folder: string): Promise<string | undefined> {
  const [newest] = await checkpointFiles(folder).catch(() => []);
  return newest;
}

/** What to type to go on with a run. */
export function resumeCommand(command: string, folder: string): string {
  return normlessCommand([command, "--resume", folder]);
}

/** An error of a run, with the way to go on where there is a checkpoint: `advice`, or else from the last one. */
export async function explainFailure(
  error: unknown,
  command: string,
  folder: string,
  advice?: string,
): Promise<never> {
  const saved = (await checkpointUpdates(folder)).length > 0;
  if (error instanceof UsageError || !(saved || advice)) throw error;
  const how = `The last checkpoint is whole; to go on from it:\n  ${resumeCommand(command, folder)}`;
  throw new Error(`${messageOf(error)}\n${advice ?? how}`, { cause: error });
}
