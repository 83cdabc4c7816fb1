/** What every command that looks inside a model needs: its tokenizer, its prompt as tokens, and errors that are the asker's. */
import { type LoadedModel, promptIds } from "@normless/gpt2";
import type { Tokenizer } from "@normless/text";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { UsageError } from "../errors.js";

/** @throws UsageError where the model's folder has none */
export function needTokenizer(name: string, { tokenizer }: Pick<LoadedModel, "tokenizer">): Tokenizer {
  if (tokenizer) return tokenizer;
  throw new UsageError(
    `${name} has no tokenizer; put vocab.json and merges.txt, or tokenizer.json, into the folder`,
  );
}

/** A prompt's ids. @throws UsageError for more than the model's context */
export function fittingIds(
  tokenizer: Tokenizer,
  prompt: string,
  { blockSize }: { readonly blockSize: number },
): number[] {
  const ids = promptIds(tokenizer, prompt);
  if (ids.length <= blockSize) return ids;
  throw new UsageError(`the prompt has ${ids.length} tokens, more than the model's context of ${blockSize}`);
}

/** Asks the core; what it refuses was asked for wrongly. @throws UsageError in the place of a RangeError */
export async function asking<X>(ask: () => X | Promise<X>): Promise<X> {
  try {
    return await ask();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new UsageError(cause.message, { cause });
  }
}

/** `all`, or positions with commas between them. */
export function positionsArgument(text: string): "all" | readonly number[] {
  if (text === "all") return text;
  const positions = text.split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  if (positions.every(Number.isSafeInteger)) return positions;
  throw new InvalidArgumentError("Expected whole numbers with commas between them, or all.");
}

/** A position from the start. @throws UsageError outside of the prompt */
export function positionIn(T: number, position: number, option: string): number {
  const t = position < 0 ? T + position : position;
  if (t >= 0 && t < T) return t;
  throw new UsageError(
    `${option} ${position} is outside the prompt, whose ${T} positions are 0 to ${T - 1}, or -${T} to -1 from its end`,
  );
}

/** The two tokens of `--difference`. @throws UsageError for another number of them */
export function twoOf(words: readonly string[]): readonly [string, string] {
  const [first, second, ...more] = words;
  if (first !== undefined && second !== undefined && more.length === 0) return [first, second];
  throw new UsageError(
    `--difference takes two tokens, the right one and the wrong one, and there are ${words.length}: ` +
      `${words.map((word) => JSON.stringify(word)).join(" ")}; it comes after what a command is about`,
  );
}
