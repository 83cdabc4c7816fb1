/** The tokenizer of a folder that need not hold a model. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  type FolderTokenizer,
  readTokenizerFiles,
  type TokenizerFiles,
  tokenizerFromFiles,
} from "@normless/text";
import { systemCode, UsageError, within } from "../errors.js";
import type { Io } from "../terminal/io.js";
import { sayNotes } from "./read-model.js";

export interface TokenizerFolder extends FolderTokenizer {
  /** The files as they are, to be written beside a model. */
  readonly tokenizerFiles: TokenizerFiles;
}

/** @throws UsageError when the folder has none; Error naming the folder, the file and what is wrong in it. */
export async function readTokenizerFolder(path: string): Promise<TokenizerFolder> {
  const tokenizerFiles = await within(path, () => readTokenizerFiles((name) => bytesOf(join(path, name))));
  const read = await within(path, () => tokenizerFromFiles(tokenizerFiles));
  if (read) return { ...read, tokenizerFiles };
  throw new UsageError(`${path} has no tokenizer: neither vocab.json and merges.txt nor tokenizer.json`);
}

/** The same, with what there is to say of it said. */
export async function readTokenizerSaying(io: Io, path: string): Promise<TokenizerFolder> {
  const read = await readTokenizerFolder(path);
  sayNotes(io, path, read);
  return read;
}

async function bytesOf(path: string): Promise<Uint8Array | undefined> {
  // Reading a pipe would wait for whoever writes to it.
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() === false) return undefined;
  return readFile(path).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw error;
  });
}
