/** Tokens for a model out of data files: token shards, text, jsonl, parquet. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { END_OF_TEXT, encodeDocuments, readShard, type Tokenizer } from "@normless/text";
import { byteChunks, readBytes, textBetween } from "./data/bytes.js";
import { columnOf, type ColumnOptions, NO_TOKENIZER } from "./data/documents.js";
import { dataEndings, kindOf } from "./data/kinds.js";
import { withRecords } from "./data/records.js";
import { TokenBuffer } from "./data/tokens.js";
import { UsageError, within } from "./errors.js";

/** What the tokens must suit. */
export interface CorpusFor {
  readonly vocabSize: number;
  readonly tokenizer?: Tokenizer | undefined;
}

/** How much of each file is read. */
export interface CorpusOptions extends ColumnOptions {
  /** Rows of a jsonl or parquet file; default all. */
  readonly rows?: number | undefined;
  /** Default all. */
  readonly tokens?: number | undefined;
}

export type CorpusPart = "train" | "val";

/** The file of a part in a folder: `train.bin.gz`, `val.txt` and so on; undefined where there is none. */
export function corpusFile(folder: string, part: CorpusPart): string | undefined {
  return dataEndings.map((ending) => join(folder, part + ending)).find((path) => existsSync(path));
}

/** The same. @throws UsageError when the folder has none. */
export function needCorpusFile(folder: string, part: CorpusPart, option: string): string {
  const path = corpusFile(folder, part);
  if (path !== undefined) return path;
  throw new UsageError(
    `${folder} has no ${part} tokens (${part}.bin, ${part}.txt, ${part}.jsonl or ${part}.parquet). ` +
      `Name the files: ${option} FILE`,
  );
}

/** Files or URLs, one after the other. @throws Error naming the file and what is wrong in it. */
export async function readCorpus(
  paths: readonly string[],
  model: CorpusFor,
  options: CorpusOptions = {},
): Promise<Uint16Array> {
  const parts: Uint16Array[] = [];
  for (const path of paths) parts.push(await within(path, () => readTokens(path, model, options)));
  if (parts.length === 1) return parts[0];
  const all = new Uint16Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

async function readTokens(path: string, model: CorpusFor, options: CorpusOptions): Promise<Uint16Array> {
  const { kind } = kindOf(path);
  const tokens =
    kind === "bin"
      ? readShard(await readBytes(path)).tokens.subarray(0, options.tokens)
      : await (kind === "txt" ? encodeText : encodeRecords)(path, model, options);
  const at = tokens.findIndex((id) => id >= model.vocabSize);
  if (at >= 0) {
    throw new Error(
      `token ${at} has id ${tokens[at]}, outside the model's vocabulary of ${model.vocabSize}. ` +
        "Were these tokens made by another tokenizer?",
    );
  }
  return tokens;
}

/** Documents stand between `<|endoftext|>`s; a text without one is one document. */
async function encodeText(path: string, { tokenizer }: CorpusFor, options: CorpusOptions) {
  if (!tokenizer) throw new UsageError(`is text, and ${NO_TOKENIZER} (.bin)`);
  const buffer = new TokenBuffer(options.tokens);
  for await (const document of textBetween(byteChunks(path), END_OF_TEXT)) {
    if (document.trim() !== "") buffer.push(encodeDocuments(tokenizer, [document]));
    if (buffer.full) break;
  }
  const tokens = buffer.tokens();
  if (tokens.length === 0) throw new Error("the text is empty; it must hold a document");
  return tokens;
}

function encodeRecords(path: string, { tokenizer }: CorpusFor, options: CorpusOptions) {
  return withRecords(path, async (file) => {
    const column = columnOf(file, options, tokenizer);
    const buffer = new TokenBuffer(options.tokens);
    for await (const record of file.read([column.name], options.rows)) {
      buffer.push(column.tokens(record));
      if (buffer.full) break;
    }
    const tokens = buffer.tokens();
    if (tokens.length === 0) throw new Error(`no row has anything in "${column.name}"`);
    return tokens;
  });
}

/** Tells corpora apart: a resumed run must see the same tokens. */
export function corpusHash(tokens: Uint16Array): string {
  const bytes = new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength);
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}
