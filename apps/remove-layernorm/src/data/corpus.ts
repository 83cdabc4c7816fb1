/** The text of a run, out of data files, and the files of a corpus that a folder holds. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  type ColumnOptions,
  dataEndings,
  dataName,
  type FileRead,
  type ReadOptions,
  readTokens,
  type TokensFor,
} from "@normless/data";
import type { TrainingRecipe } from "@normless/train";
import { readAsked, UsageError } from "../errors.js";
import { CountLine, type Watched } from "../terminal/counter.js";
import { thousands } from "../terminal/format.js";
import { rowOptions } from "./data-files.js";

/** What the tokens must suit, and who waits for them. */
export interface CorpusFor extends TokensFor {
  /** Where a long reading counts its tokens. */
  readonly io?: Watched | undefined;
}

/** How much of each file is read. */
export interface CorpusOptions extends Omit<ReadOptions, "counted" | "read"> {
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

/** What was read of the files of both parts. */
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

/** Files or URLs, one after the other. @throws Error naming the file and what is wrong in it, or UsageError */
export async function readCorpus(
  paths: readonly string[],
  { io, ...model }: CorpusFor,
  options: CorpusOptions = {},
): Promise<Uint16Array> {
  const line = new CountLine(io);
  const counted = (path: string, count: number) =>
    line.show(`reading ${dataName(path)}: ${thousands(count)} tokens`);
  const read = (file: FileRead) => {
    line.stop();
    options.read?.push(file);
  };
  return readAsked(() => readTokens(paths, model, { ...options, counted, read })).finally(() => line.stop());
}
