/** Results that a command writes beside what it prints. */
import { constants } from "node:fs";
import { access, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { writeFileAtomic } from "@normless/safetensors/node";
import { corpusFile } from "./corpus.js";
import { isUrl } from "./data/kinds.js";
import { systemCode, UsageError } from "./errors.js";
import type { Io } from "./io.js";

/** What a command reads. */
export interface Reads {
  /** Folders; a name on the hub is none. */
  readonly models: readonly string[];
  /** Files and addresses. */
  readonly files: readonly (string | undefined)[];
}

/**
 * Before hours of work, not after. `results` are the files that will be written, by the option that names each.
 * @throws UsageError when one cannot be written, or is read, too
 */
export async function checkResults(
  results: Readonly<Record<string, string | undefined>>,
  { models, files }: Reads,
): Promise<void> {
  const asked = Object.entries(results).flatMap(([option, path]) =>
    path === undefined ? [] : { option, path },
  );
  if (asked.length === 0) return;
  const taken = new Map<string, string>();
  for (const path of [...files, ...(await Promise.all(models.map(filesOfModel))).flat()]) {
    if (path !== undefined && !isUrl(path)) taken.set(await wholePath(path), "a file that is read");
  }
  for (const { option, path } of asked) {
    await checkWritable(option, path);
    const whole = await wholePath(path);
    const by = taken.get(whole);
    if (by !== undefined) throw new UsageError(`${option} ${path} is ${by}, too; give a path of its own`);
    taken.set(whole, `the file of ${option}`);
  }
}

const MODEL_FILES = /\.safetensors(\.index\.json)?$|^(config|vocab|tokenizer)\.json$|^merges\.txt$/;

async function filesOfModel(folder: string): Promise<(string | undefined)[]> {
  const names = await readdir(folder).catch(() => []);
  const paths = names.filter((name) => MODEL_FILES.test(name)).map((name) => join(folder, name));
  return [...paths, corpusFile(folder, "val")];
}

/** One path for one file, whether it is there or not. */
async function wholePath(path: string): Promise<string> {
  return realpath(path).catch(async () =>
    join(await realpath(dirname(path)).catch(() => dirname(path)), basename(path)),
  );
}

async function checkWritable(option: string, path: string): Promise<void> {
  const refuse = (why: string) => new UsageError(`${option} ${path}: ${why}; give another path`);
  const folder = dirname(path);
  // The path with a slash is there only if it is a folder's.
  await access(join(folder, "/"), constants.W_OK).catch((error: unknown) => {
    const code = systemCode(error);
    throw refuse(
      code === "ENOENT"
        ? `there is no folder ${folder}`
        : `the folder ${folder} cannot be written to (${code})`,
    );
  });
  const there = await stat(resolve(path)).catch(() => undefined);
  if (there && !there.isFile()) throw refuse("that is no ordinary file");
}

/** Writes a whole file and says so. */
export async function writeResult(io: Io, path: string, text: string): Promise<void> {
  await writeFileAtomic(path, [new TextEncoder().encode(text)]);
  io.out(`Wrote ${io.colors.bold(path)}\n`);
}

export async function writeJsonResult(io: Io, path: string, data: object): Promise<void> {
  await writeResult(io, path, `${JSON.stringify(data, undefined, 2)}\n`);
}
