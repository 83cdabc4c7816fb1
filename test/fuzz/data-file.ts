/** Reading a data file as `normless` does, with the tiny tokenizer. */
import { DataError, type ReadOptions, readTokens } from "@normless/data";
import { tokenizerFromVocabAndMerges } from "@normless/text";
import { fileOf } from "./temporary-file.js";
import { merges, vocab } from "./tiny-tokenizer.js";
import type { Target } from "./target.js";

const tokenizer = tokenizerFromVocabAndMerges(vocab, merges);

/** The tokens of a file of that name with these bytes. */
export function tokensOf(name: string, bytes: Uint8Array, options: ReadOptions = {}): Promise<Uint16Array> {
  return readTokens([fileOf(name, bytes)], { vocabSize: 2 ** 16 - 1, tokenizer }, options);
}

/** Rows, of a column as the file's length has it, and so far: what a command line may ask for. */
export function rowsOf(name: string, bytes: Uint8Array): Promise<Uint16Array> {
  const ways = [{}, { textColumn: "text" }, { tokenColumn: "tokens" }, { tokens: 3 }, { rows: 1 }] as const;
  const way = ways[bytes.length % ways.length];
  if (bytes.length % 7 > 0) return tokensOf(name, bytes, way);
  return readTokens([fileOf(name, bytes)], { vocabSize: 2 ** 16 }, way);
}

/** The readers of data in `packages/data`, whose errors begin with the file. */
export function dataTarget(
  target: Pick<Target, "seeds" | "read" | "library"> & { files: readonly string[] },
): Target {
  return {
    ...target,
    errors: [DataError],
    names: /a-file\.[\w.]+: /,
    reader: target.files.map((file) => `packages/${file}.ts`),
  };
}

/** Tokens of a file, or its error's message without the name of the file: what two ways of reading must agree upon. */
export async function outcome(read: Promise<Uint16Array>): Promise<string> {
  return read.then(
    (tokens) => tokens.join(),
    (error: Error) => error.message.replace(/^.*?: /, ""),
  );
}
