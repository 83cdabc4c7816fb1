/**
 * Model folders on disk, for Node only (the subpath "@normless/gpt2/node"). What the files hold is in hf-folder.ts.
 */
import { randomUUID } from "node:crypto";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type FileSource, makeFolder, openFile, writeFileAtomic } from "@normless/safetensors/node";
import { isWeightFile } from "./files/hf-shards.js";
import { NotFiniteError } from "./model/finite.js";
import { gatherWeights, type WeightsInMemory } from "./model/weights.js";
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

/** A model whose weights are read from its files when they are asked for. */
export interface OpenModel extends LoadedModel {
  /** Closes the files, after which no weight can be read any more; may be called again. Whoever opened the model does. */
  close(): Promise<void>;
}

/**
 * Opens a Hugging Face model folder, whose files stay open until the model is closed: for weights that need not be in
 * memory together. What reading one throws is told at `readModel`.
 * @throws Error naming the folder, the file and what is wrong in it; then nothing is left open.
 */
export async function openModelFolder(path: string): Promise<OpenModel> {
  const folder = await openFolder(path);
  try {
    return { ...(await readModel(folder)), close: () => folder.close() };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

/**
 * Reads a Hugging Face model folder, all its weights into memory. @throws Error naming the folder, the file and what is
 * wrong in it.
 */
export async function readModelFolder(path: string): Promise<LoadedModel<WeightsInMemory>> {
  const folder = await openFolder(path);
  try {
    const model = await readModel(folder);
    return { ...model, weights: await gatherWeights(model.weights) };
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
 * the temporary folder, `.writing-….tmp`. The weights are read, or computed, one by one as they are written, so that a
 * model may be written over the folder that it was opened from.
 * @returns the names of the files that are the model's
 * @throws Error when the folder is not empty, unless `overwrite` says that this is meant; when writing fails, as it does
 * where the dtype cannot hold a value; NotFiniteError naming the parameter and the element that is NaN or infinite.
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
    await makeFolder(staging);
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
    const said = `${path}: the model was not written: ${why}`;
    throw cause instanceof NotFiniteError ? new NotFiniteError(said, { cause }) : new Error(said, { cause });
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
