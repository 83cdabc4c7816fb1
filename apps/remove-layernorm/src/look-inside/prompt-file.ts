/** Files of prompts with a right and a wrong answer, a JSON object a line. */
import { readFile } from "node:fs/promises";
import type { Tokenizer } from "@normless/text";
import { z } from "zod";
import { messageOf, systemCode, UsageError } from "../errors.js";
import { checkJson } from "../json/json.js";
import { asking, fittingIds } from "./asked.js";
import { didYouMean } from "../options/nearest.js";
import { promptPairs, type PromptPairText, tasks } from "./templates.js";
import { oneToken } from "./words.js";

const lineSchema = z.strictObject({
  clean: z.string(),
  corrupted: z.string(),
  answer: z.string(),
  wrong: z.string(),
});

/** A pair in tokens. */
export interface PromptPairIds {
  readonly clean: readonly number[];
  readonly corrupted: readonly number[];
  readonly answer: number;
  readonly wrong: number;
}

/** Prompts as a file has them. */
export function promptLines(pairs: readonly PromptPairText[]): string {
  return pairs.map((pair) => `${JSON.stringify(pair)}\n`).join("");
}

/** So many prompts of a task that is asked for by its name. */
export const PROMPTS = 32;

/**
 * The prompts of a task, by its name, or of a file.
 * @throws UsageError for a task for which the tokenizer has too few words, and as `readPromptFile` does
 */
export async function promptsOf(tokenizer: Tokenizer, given: string): Promise<PromptPairText[]> {
  const task = tasks.find((name) => name === given);
  if (task === undefined) return readPromptFile(given);
  return asking(() => promptPairs(task, (text) => tokenizer.encode(text), { count: PROMPTS, seed: 0 }));
}

/** @throws UsageError naming the file and the line that is wrong */
export async function readPromptFile(path: string): Promise<PromptPairText[]> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    const why = systemCode(cause) === "ENOENT" ? "there is no such file" : messageOf(cause);
    const meant = didYouMean(path, tasks);
    throw new UsageError(
      `--prompts ${path}: ${why}; normless prompts writes one, and its tasks are ${tasks.join(", ")}.${meant}`,
      { cause },
    );
  });
  const lines = text.split("\n").map((line, i) => ({ line, where: `--prompts ${path}, line ${i + 1}` }));
  const pairs = lines
    .filter(({ line }) => line.trim() !== "")
    .map(({ line, where }) => checkJson(where, lineSchema, parsed(line, where)));
  if (pairs.length > 0) return pairs;
  throw new UsageError(`--prompts ${path} has no prompt; normless prompts writes some`);
}

function parsed(line: string, where: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new UsageError(`${where} is not JSON: ${messageOf(cause)}`, { cause });
  }
}

/** Pairs in a model's tokens. @throws UsageError for an answer that is no one token, and for prompts that differ in length within a pair */
export function pairIds(
  tokenizer: Tokenizer,
  config: { readonly blockSize: number },
  pairs: readonly PromptPairText[],
): PromptPairIds[] {
  return pairs.map(({ clean, corrupted, answer, wrong }) => {
    const ids = {
      clean: fittingIds(tokenizer, clean, config),
      corrupted: fittingIds(tokenizer, corrupted, config),
      answer: oneToken(tokenizer, "answer", answer),
      wrong: oneToken(tokenizer, "wrong", wrong),
    };
    if (ids.clean.length === ids.corrupted.length) return ids;
    throw new UsageError(
      `${JSON.stringify(clean)} has ${ids.clean.length} tokens and ${JSON.stringify(corrupted)} has ${ids.corrupted.length}; ` +
        "what stands at a position takes the place of what stands at the same one, so give prompts of one length " +
        "(normless tokenize tells the pieces)",
    );
  });
}
