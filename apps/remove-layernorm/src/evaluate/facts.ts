/** What decides whether models can be compared on tokens, known of a folder before its weights are read. */
import { join } from "node:path";
import { configFromHf, type Gpt2Config } from "@normless/gpt2";
import type { Tokenizer } from "@normless/text";
import { UsageError } from "../errors.js";
import { readJson } from "../json/json.js";
import { tokensDiffer } from "../models/same-tokens.js";
import { readTokenizerFolder } from "../models/tokenizer-folder.js";

export interface ModelFacts {
  /** How the command line names the model. */
  readonly name: string;
  readonly config: Pick<Gpt2Config, "vocabSize" | "blockSize">;
  readonly tokenizer?: Tokenizer | undefined;
}

/** Undefined where there is no such folder, or something is wrong with it: opening the model then says what. */
export async function folderFacts(path: string): Promise<ModelFacts | undefined> {
  try {
    const { config } = configFromHf(await readJson(join(path, "config.json")));
    const tokenizer = await readTokenizerFolder(path).catch(() => undefined);
    return { name: path, config, tokenizer: tokenizer?.tokenizer };
  } catch {
    return undefined;
  }
}

/** @throws UsageError when an id is not the same token to both models, so that losses a token say nothing. */
export function checkSameTokens(first: ModelFacts, other: ModelFacts): void {
  const difference = tokensDiffer(first, other);
  if (difference === undefined) return;
  throw new UsageError(
    `${first.name} and ${other.name}: ${difference}, so that their losses a token cannot be compared. ` +
      "Evaluate them one by one; --hellaswag and --lambada compare any models",
  );
}
