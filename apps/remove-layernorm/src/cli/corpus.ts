/** Token files for a model: nanoGPT's or llm.c's `.bin`, or text, each also in gzip. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { END_OF_TEXT, encodeDocuments, readShard, type Tokenizer } from "@normless/text";
import { systemCode, UsageError, within } from "./errors.js";

/** What the tokens must suit. */
export interface CorpusFor {
  readonly vocabSize: number;
  readonly tokenizer?: Tokenizer | undefined;
}

export type CorpusPart = "train" | "val";

const KINDS = [".bin", ".bin.gz", ".txt", ".txt.gz"];

/** The file of a part in a folder: `train.bin.gz`, `val.txt` and so on; undefined where there is none. */
export function corpusFile(folder: string, part: CorpusPart): string | undefined {
  return KINDS.map((kind) => join(folder, part + kind)).find((path) => existsSync(path));
}

/** The same. @throws UsageError when the folder has none. */
export function needCorpusFile(folder: string, part: CorpusPart, option: string): string {
  const path = corpusFile(folder, part);
  if (path !== undefined) return path;
  throw new UsageError(
    `${folder} has no ${part} tokens (${KINDS.map((kind) => part + kind).join(", ")}). ` +
      `Name the files: ${option} FILE`,
  );
}

/** Files one after the other. @throws Error naming the file and what is wrong in it. */
export async function readCorpus(paths: readonly string[], model: CorpusFor): Promise<Uint16Array> {
  const parts: Uint16Array[] = [];
  for (const path of paths) parts.push(await within(path, () => readTokens(path, model)));
  if (parts.length === 1) return parts[0];
  const all = new Uint16Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

async function readTokens(path: string, model: CorpusFor): Promise<Uint16Array> {
  const kind = KINDS.find((ending) => path.endsWith(ending));
  if (kind === undefined) {
    throw new UsageError(`is none of the files that are read (${KINDS.join(", ")})`);
  }
  const packed = await readFile(path).catch((cause: unknown) => {
    throw systemCode(cause) === "ENOENT" ? new Error("there is no such file", { cause }) : cause;
  });
  const bytes = kind.endsWith(".gz") ? await unzip(packed) : packed;
  const tokens = kind.startsWith(".txt") ? encodeText(bytes, model) : readShard(bytes).tokens;
  const at = tokens.findIndex((id) => id >= model.vocabSize);
  if (at >= 0) {
    throw new Error(
      `token ${at} has id ${tokens[at]}, outside the model's vocabulary of ${model.vocabSize}. ` +
        "Were these tokens made by another tokenizer?",
    );
  }
  return tokens;
}

async function unzip(bytes: Uint8Array): Promise<Uint8Array> {
  return promisify(gunzip)(bytes).catch((cause: unknown) => {
    throw new Error(`is no whole gzip file (${String(cause)}); was it truncated?`, { cause });
  });
}

/** Documents stand between `<|endoftext|>`s; a text without one is one document. */
function encodeText(bytes: Uint8Array, { tokenizer }: CorpusFor): Uint16Array {
  if (!tokenizer) {
    throw new UsageError(
      "is text, and the model's folder has no tokenizer (vocab.json and merges.txt, or tokenizer.json); " +
        "add one, or give tokens (.bin)",
    );
  }
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  const documents = text.split(END_OF_TEXT).filter((document) => document.trim() !== "");
  if (documents.length === 0) throw new Error("the text is empty; it must hold a document");
  return encodeDocuments(tokenizer, documents);
}

/** Tells corpora apart: a resumed run must see the same tokens. */
export function corpusHash(tokens: Uint16Array): string {
  const bytes = new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength);
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}
