/** Words as tokens: which spelling of a word is one. */
import type { Tokenizer } from "@normless/text";
import { UsageError } from "../errors.js";
import { quotedToken } from "../terminal/token-text.js";

/** A spelling and its one token. */
export interface OneToken {
  readonly text: string;
  readonly id: number;
}

/** A word as it stands in a text, with the space before it. */
export interface WordTokens {
  readonly word: string;
  readonly ids: readonly number[];
  /** The spellings that are one token, the word as it stands first. */
  readonly oneToken: readonly OneToken[];
}

/** A word by its ids, and what else it could be written as to be one token. */
export function wordTokens(tokenizer: Tokenizer, word: string): WordTokens {
  const encode = (text: string) => tokenizer.encode(text, { specialTokens: true });
  const oneToken = spellings(word).flatMap((text): OneToken[] => {
    const ids = encode(text);
    return ids.length === 1 ? [{ text, id: ids[0] }] : [];
  });
  return { word, ids: encode(word), oneToken };
}

/** A word's spellings, itself first: with and without the space before it, as it is, small, with a capital, in capitals. */
function spellings(word: string): string[] {
  const bare = word.trim();
  const [first = "", ...rest] = bare;
  const capital = first.toUpperCase() + rest.join("").toLowerCase();
  const cases = [bare, bare.toLowerCase(), capital, bare.toUpperCase()].filter((one) => one !== "");
  return [...new Set([word, ...cases.flatMap((one) => [` ${one}`, one])])];
}

/** The words of a text, each with the one space before it, as tokens have it. */
export function wordsOf(text: string): string[] {
  return [...new Set(text.match(/ ?\S+/g) ?? [])];
}

/**
 * The one token of a text that an option gave.
 * @throws UsageError with its pieces, and the spellings that are one token
 */
export function oneToken(tokenizer: Tokenizer, option: string, text: string): number {
  const { ids, oneToken: spelled } = wordTokens(tokenizer, text);
  if (ids.length === 1) return ids[0];
  const quoted = `${option} ${JSON.stringify(text)}`;
  if (ids.length === 0) throw new UsageError(`${quoted} is no token; give one with its space, " the"`);
  const pieces = ids.map((id) => quotedToken(tokenizer, id)).join(" ");
  const instead =
    spelled.length > 0
      ? `One token: ${spelled.map(({ text }) => JSON.stringify(text)).join(", ")}`
      : `No spelling of it is one; the first piece stands for it at best: ${quotedToken(tokenizer, ids[0])}`;
  throw new UsageError(
    `${quoted} is ${ids.length} tokens, ${pieces}, and a logit belongs to one. ${instead}`,
  );
}
