/**
 * Model folders on disk, for Node only (the subpath "@normless/gpt2/node"). What the files hold is in hf-folder.ts.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  type FileSource,
  isTemporary,
  openFile,
  writeFileAtomic,
  writeFolderAtomic,
} from "@normless/safetensors/node";
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

/** How `writeModelFolder` takes what is in the folder already, and what else it holds. */
export interface WriteOptions {
  /** Whether files may be written into a folder that is not empty, over those of the same names. Default false. */
  readonly overwrite?: boolean;
  /**
   * Is given the folder with the whole model before it takes its place, to look at it or to write more files into it. Where
   * it throws, nothing takes its place.
   */
  readonly finish?: (folder: string) => Promise<void>;
}

/**
 * Writes a model as a Hugging Face folder, making the folder where there is none. It is first written whole beside its
 * place and then renamed (`writeFolderAtomic`), of a folder that is there file by file and config.json last, so that a full
 * disk, a kill or another failure leaves what was there as it was. Weights there of another number of files go. The
 * weights are read, or computed, one by one as they are written, so that a model may be written over the folder that it was
 * opened from.
 * @throws Error when the folder is not empty, unless `overwrite` says that this is meant; when writing fails, as it does
 * where the dtype cannot hold a value, or `finish` does; NotFiniteError naming the parameter and the element that is NaN or
 * infinite.
 */
export async function writeModelFolder(
  path: string,
  model: ModelToWrite,
  { overwrite = false, finish }: WriteOptions = {},
): Promise<void> {
  const files = modelFiles(model);
  const there = (await readdir(path).catch(ignoreAbsence))?.filter((name) => !isTemporary(name)) ?? [];
  if (!overwrite && there.length > 0) {
    throw new Error(
      `${path}: the folder is not empty (${there.slice(0, 4).join(", ")}${there.length > 4 ? ", …" : ""}). ` +
        "Give another folder, or say that it may be overwritten (overwrite: true).",
    );
  }
  let staging = path;
  const write = async (folder: string) => {
    staging = folder;
    for (const { name, chunks } of files) await writeFileAtomic(join(folder, name), chunks);
    await finish?.(folder);
  };
  try {
    // Weights of another writing would be read instead of these.
    await writeFolderAtomic(path, write, { last: "config.json", goes: isWeightFile });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replaceAll(staging, path) : String(cause);
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
