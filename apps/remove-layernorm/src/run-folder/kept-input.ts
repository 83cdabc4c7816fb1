/** Standard input cannot be read again, so a run keeps the tokens that it had of it, for `--resume` to read. */
import { join } from "node:path";
import { isStandardInput } from "@normless/data";
import type { Corpus, CorpusFiles, FilesRead } from "../data/corpus.js";
import { STANDARD_INPUT } from "./run-files.js";

const PARTS = ["train", "validation"] as const;
type Files = Pick<CorpusFiles, (typeof PARTS)[number]>;

/** The part of a corpus that standard input gave; undefined where it gave none. */
export function keptTokens(corpus: Corpus, read: FilesRead): Uint16Array | undefined {
  for (const part of PARTS) {
    let begin = 0;
    for (const { path, tokens } of read[part]) {
      if (isStandardInput(path)) return corpus[part].subarray(begin, begin + tokens);
      begin += tokens;
    }
  }
  return undefined;
}

/** The files of a run that goes on: those that are asked for now, and those that it began with, as its folder has them. */
export function resumedFiles(folder: string, asked: Partial<Files>, began: Files): Files {
  const kept = (paths: readonly string[]) =>
    paths.map((path) => (isStandardInput(path) ? join(folder, STANDARD_INPUT) : path));
  return {
    train: asked.train ?? kept(began.train),
    validation: asked.validation ?? kept(began.validation),
  };
}
