/** The tokenizer of a folder that need not hold a model. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TokenizerFiles } from "@normless/gpt2";
import { type Tokenizer, tokenizerFromJson, tokenizerFromVocabAndMerges } from "@normless/text";
import { systemCode, UsageError, within } from "./errors.js";
import { readJson } from "./json.js";

export interface TokenizerFolder {
  readonly tokenizer: Tokenizer;
  /** The files as they are, to be written beside a model. */
  readonly tokenizerFiles: TokenizerFiles;
}

/** GPT-2's own two files, or else tokenizer.json. @throws UsageError when the folder has neither. */
export async function readTokenizerFolder(path: string): Promise<TokenizerFolder> {
  const [vocab, merges] = [await textOf(path, "vocab.json"), await textOf(path, "merges.txt")];
  if (vocab !== undefined && merges !== undefined) {
    const json = await readJson(join(path, "vocab.json"));
    const tokenizer = await within(path, () => tokenizerFromVocabAndMerges(json, merges));
    return { tokenizer, tokenizerFiles: { "vocab.json": vocab, "merges.txt": merges } };
  }
  const whole = await textOf(path, "tokenizer.json");
  if (whole === undefined) {
    throw new UsageError(`${path} has no tokenizer: neither vocab.json and merges.txt nor tokenizer.json`);
  }
  const json = await readJson(join(path, "tokenizer.json"));
  const tokenizer = await within(path, () => tokenizerFromJson(json));
  return { tokenizer, tokenizerFiles: { "tokenizer.json": whole } };
}

async function textOf(path: string, name: string): Promise<string | undefined> {
  return readFile(join(path, name), "utf8").catch((error: unknown) => {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw error;
  });
}
