/** Tokens for a model out of data files: token shards, text, jsonl, parquet. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { END_OF_TEXT, type Tokenizer } from "@normless/text";
import type { TrainingRecipe } from "@normless/train";
import { CountLine, type Watched } from "../terminal/counter.js";
import { byteChunks, textParts } from "./bytes.js";
import {
  columnOf,
  type ColumnOptions,
  Documents,
  NO_TOKENIZER,
  type RowOptions,
  rowOptions,
} from "./documents.js";
import { dataEndings, kindOf } from "./kinds.js";
import { withRecords } from "./records.js";
import { dataName } from "./standard-input.js";
import { checkCount, type Counted, readShardTokens, TokenBuffer } from "./tokens.js";
import { UsageError, within } from "../errors.js";
import { thousands } from "../terminal/format.js";

/** What the tokens must suit, and who waits for them. */
export interface CorpusFor {
  readonly vocabSize: number;
  readonly tokenizer?: Tokenizer | undefined;
  /** What to do where tokens are of another tokenizer, where something can be done. */
  readonly otherWay?: string | undefined;
  /** Where a long reading counts its tokens. */
  readonly io?: Watched | undefined;
}

/** How much of each file is read. */
export interface CorpusOptions extends RowOptions {
  /** From the first, of all files together; default all. */
  readonly tokens?: number | undefined;
  /** Is told what was read of which file. */
  readonly read?: FileRead[] | undefined;
}

/** What a run reads: the files of both parts, and which column of those that have any. */
export interface CorpusFiles extends ColumnOptions {
  readonly train: readonly string[];
  readonly validation: readonly string[];
  /** So many to train on, from the first; default all. */
  readonly trainTokens?: number | undefined;
}

export interface Corpus {
  readonly train: Uint16Array;
  readonly validation: Uint16Array;
}

/** What was read of a file or an address. */
export interface FileRead {
  readonly path: string;
  tokens: number;
  /** Where it has any. */
  rows?: number;
}

/** The same of both parts. */
export interface FilesRead {
  readonly train: FileRead[];
  readonly validation: FileRead[];
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

/** The files that were asked for, and those of a folder where none were. @throws UsageError when it has none either. */
export function corpusFiles(asked: Partial<CorpusFiles>, folder: string): CorpusFiles {
  const { train, validation, textColumn, tokenColumn, trainTokens } = asked;
  if (textColumn !== undefined && tokenColumn !== undefined) {
    throw new UsageError("--text-column and --token-column say what to read of a file; give one of them");
  }
  const files = {
    train: train ?? [needCorpusFile(folder, "train", "--train")],
    validation: validation ?? [needCorpusFile(folder, "val", "--validation")],
  };
  rowOptions([...files.train, ...files.validation], { textColumn, tokenColumn });
  return { ...files, textColumn, tokenColumn, trainTokens };
}

/** Of the validation text, however little a recipe looks at: documents are few, and a run validates on their beginnings. */
const DOCUMENT_TOKENS = 2 ** 19;

/**
 * Of the validation files what the recipe looks at, and enough to find documents in. `read` is told what was read of which
 * file.
 * @throws Error naming the file and what is wrong in it.
 */
export async function readBoth(
  files: CorpusFiles,
  model: CorpusFor,
  { validationTokens, blockSize }: Pick<TrainingRecipe, "validationTokens" | "blockSize">,
  read: FilesRead = { train: [], validation: [] },
): Promise<Corpus> {
  const { textColumn, tokenColumn } = files;
  const columns = { textColumn, tokenColumn };
  // A whole row in any case, as runs ask for, and the last target.
  const looked =
    validationTokens > 0 ? Math.max(validationTokens, blockSize, DOCUMENT_TOKENS) + 1 : undefined;
  return {
    train: await readCorpus(files.train, model, { ...columns, tokens: files.trainTokens, read: read.train }),
    validation: await readCorpus(files.validation, model, {
      ...columns,
      tokens: looked,
      read: read.validation,
    }),
  };
}

/** Files or URLs, one after the other. @throws Error naming the file and what is wrong in it. */
export async function readCorpus(
  paths: readonly string[],
  model: CorpusFor,
  options: CorpusOptions = {},
): Promise<Uint16Array> {
  const { tokens: limit = Infinity } = options;
  const parts: Uint16Array[] = [];
  const line = new CountLine(model.io);
  let length = 0;
  for (const path of paths) {
    if (length >= limit) break;
    const counted = (count: number) => line.show(`reading ${dataName(path)}: ${thousands(count)} tokens`);
    const file: FileRead = { path, tokens: 0 };
    const how = { ...options, tokens: limit - length, counted, file };
    const part = await within(dataName(path), () => readTokens(path, model, how)).finally(() => line.stop());
    parts.push(part);
    file.tokens = part.length;
    options.read?.push(file);
    length += part.length;
    checkCount(length);
  }
  if (parts.length === 1) return parts[0];
  const all = new Uint16Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** What `readCorpus` was asked for, with a limit on the tokens of this file, and what hears of them now and then. */
type FileOptions = CorpusOptions & {
  readonly tokens: number;
  readonly counted: Counted;
  readonly file: FileRead;
};

async function readTokens(path: string, model: CorpusFor, options: FileOptions): Promise<Uint16Array> {
  const { kind } = kindOf(path);
  const tokens =
    kind === "bin"
      ? await readShardTokens(path, options.tokens, options.counted)
      : await (kind === "txt" ? encodeText : encodeRecords)(path, model, options);
  for (let at = 0; at < tokens.length; at++) {
    if (tokens[at] < model.vocabSize) continue;
    throw new Error(
      `token ${at} has id ${tokens[at]}, outside the model's vocabulary of ${model.vocabSize}. ` +
        `Were these tokens made by another tokenizer?${model.otherWay === undefined ? "" : ` ${model.otherWay}`}`,
    );
  }
  return tokens;
}

/** Documents stand between `<|endoftext|>`s; a text without one is one document. */
async function encodeText(path: string, { tokenizer }: CorpusFor, options: FileOptions) {
  if (!tokenizer) throw new UsageError(`is text, and ${NO_TOKENIZER} (.bin)`);
  const buffer = new TokenBuffer(options.tokens, options.counted);
  const documents = new Documents(tokenizer, buffer);
  for await (const { text, ends } of textParts(byteChunks(path), END_OF_TEXT)) {
    documents.write(text);
    if (ends) documents.end();
    if (buffer.full) break;
  }
  const tokens = buffer.tokens();
  if (tokens.length === 0) throw new Error("the text is empty; it must hold a document");
  return tokens;
}

function encodeRecords(path: string, { tokenizer }: CorpusFor, options: FileOptions) {
  return withRecords(path, async (file) => {
    const column = columnOf(file, options, tokenizer);
    const buffer = new TokenBuffer(options.tokens, options.counted);
    let rows = 0;
    for await (const record of file.read([column.name], options.rows)) {
      column.push(record, buffer);
      options.file.rows = ++rows;
      if (buffer.full) break;
    }
    const tokens = buffer.tokens();
    if (tokens.length === 0) throw new Error(`no row has anything in "${column.name}"`);
    return tokens;
  });
}
