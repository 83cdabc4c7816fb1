/**
 * Model folders on disk, for Node only (the subpath "@normless/gpt2/node"). What the files hold is in hf-folder.ts.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type FileSource, openFile, writeFileAtomic } from "@normless/safetensors/node";
import { isWeightFile } from "./files/hf-shards.js";
import {
  type Folder,
  type LoadedModel,
  modelFiles,
  type ModelToWrite,
  readModel,
} from "./files/hf-folder.js";

/** A folder on disk; its files stay open until `close`. */
export interface DiskFolder extends Folder {
  close(): Promise<void>;
}

/** A folder on disk as the port that `readModel` takes. @throws Error when there is no such folder. */
export async function openFolder(path: string): Promise<DiskFolder> {
  if (!(await isFolder(path))) throw new Error(`${path}: there is no such folder`);
  const opened: FileSource[] = [];
  return {
    name: path,
    list: () => readdir(path),
    open: async (file) => {
      const found = await stat(join(path, file)).catch(ignoreAbsence);
      if (!found?.isFile()) return undefined;
      const source = await openFile(join(path, file));
      opened.push(source);
      return source;
    },
    close: async () => {
      for (const source of opened.splice(0)) await source.close();
    },
  };
}

/** Reads a Hugging Face model folder. @throws Error naming the folder, the file and what is wrong in it. */
export async function readModelFolder(path: string): Promise<LoadedModel> {
  const folder = await openFolder(path);
  try {
    return await readModel(folder);
  } finally {
    await folder.close();
  }
}

/** How `writeModelFolder` takes what is in the folder already. */
export interface WriteOptions {
  /** Whether files may be written into a folder that is not empty, over those of the same names. Default false. */
  readonly overwrite?: boolean;
}

/**
 * Writes a model as a Hugging Face folder, making the folder where there is none. The files are first written whole
 * into a temporary folder inside it and then renamed into place, config.json last, so that a full disk or another
 * failure leaves what was there as it was. Weights there of another number of files go. The process being killed leaves
 * the temporary folder, `.writing-….tmp`.
 * @returns the names of the files that are the model's
 * @throws Error when the folder is not empty, unless `overwrite` says that this is meant; when writing fails.
 */
export async function writeModelFolder(
  path: string,
  model: ModelToWrite,
  { overwrite = false }: WriteOptions = {},
): Promise<readonly string[]> {
  const files = modelFiles(model);
  const names = files.map(({ name }) => name);
  const target = resolve(path);
  const there = await readdir(target).catch(ignoreAbsence);
  if (!overwrite && there && there.length > 0) {
    throw new Error(
      `${path}: the folder is not empty (${there.slice(0, 4).join(", ")}${there.length > 4 ? ", …" : ""}). ` +
        "Give another folder, or say that it may be overwritten (overwrite: true).",
    );
  }
  const staging = join(target, `.writing-${randomUUID()}.tmp`);
  try {
    await mkdir(staging, { recursive: true });
    for (const { name, chunks } of files) await writeFileAtomic(join(staging, name), chunks);
    for (const name of names) await rename(join(staging, name), join(target, name));
    await rm(staging, { recursive: true });
    for (const name of there ?? []) {
      // Weights of another writing would be read instead of these.
      if (isWeightFile(name) && !names.includes(name)) await rm(join(target, name));
    }
    return names;
  } catch (cause) {
    await rm(there ? staging : target, { recursive: true, force: true });
    const why = cause instanceof Error ? cause.message.replaceAll(staging, target) : String(cause);
    throw new Error(`${path}: the model was not written: ${why}`, { cause });
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(ignoreAbsence))?.isDirectory() ?? false;
}

/** Undefined for what is not there; any other error goes on. */
function ignoreAbsence(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
