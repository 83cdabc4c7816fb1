// JSON.parse, stricter: no key twice in one object, no string that UTF-8 could not hold, and in given fields no number
// but plain non-negative integers. JSON.parse keeps the last of two equal keys and reads 1e1 as 10, so a file could
// show two readers two contents.
import { SafetensorsError } from "./errors.js";

/** Lists and objects inside of each other, at most: the bound of the reference implementation's JSON library. */
const MOST_NESTED = 127;

/** What a text must be beside JSON. */
export interface JsonRules {
  /** What errors call the text. */
  readonly where: string;
  /** In these fields of the entries, refuse every number that is not written as plain digits (-1, 1.0, 1e1). */
  readonly plainIntegers: readonly string[];
}

/** The value of the text. @throws SafetensorsError for a text that is not JSON or breaks the rules. */
export function parseJson(text: string, rules: JsonRules): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // Some engines run out of stack here.
    if (cause instanceof RangeError) throw tooDeep(rules.where, cause);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SafetensorsError(`${rules.where} is not JSON (${reason}); write the file again`, { cause });
  }
  checkTokens(text, rules);
  return value;
}

function tooDeep(where: string, cause?: unknown): SafetensorsError {
  return new SafetensorsError(
    `${where} has more than ${MOST_NESTED} lists and objects inside of each other; write the file again`,
    { cause },
  );
}

/** Whether a parsed value is an object: no list, not null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value of JSON for an error: its text, or the beginning of a long one. */
export function describe(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

/** Whether half of a surrogate pair stands alone, which no UTF-8 can hold. */
export function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}

interface Level {
  /** The keys so far; undefined in an array. */
  readonly keys: Set<string> | undefined;
  key: string | undefined;
}

/** Walks the tokens of a text that JSON.parse has accepted, so that it need not check the grammar. */
function checkTokens(text: string, { where, plainIntegers }: JsonRules): void {
  const levels: Level[] = [];
  let expectsKey = false;
  const path = () =>
    levels
      .map((level) => level.key)
      .reduce((all: string, key) => (key === undefined ? all : `${all} › "${key}"`), "");

  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      const end = endOfString(text, at);
      const level = levels.at(-1);
      const quoted = text.slice(at, end);
      if (quoted.includes("\\u") && hasLoneSurrogate(JSON.parse(quoted) as string)) {
        throw new SafetensorsError(
          `${where}${path()} has the text ${quoted}, which is not valid Unicode; write the file again without it`,
        );
      }
      if (expectsKey && level?.keys) {
        const key = JSON.parse(quoted) as string;
        level.key = undefined;
        if (level.keys.has(key)) {
          throw new SafetensorsError(
            `${where}${path()} has the key "${key}" twice; write the file again with one`,
          );
        }
        level.keys.add(key);
        level.key = key;
        expectsKey = false;
      }
      at = end - 1;
    } else if (char === "{" || char === "[") {
      if (levels.length === MOST_NESTED) throw tooDeep(where);
      levels.push({ keys: char === "{" ? new Set() : undefined, key: undefined });
      expectsKey = char === "{";
    } else if (char === "}" || char === "]") {
      levels.pop();
    } else if (char === ",") {
      expectsKey = levels.at(-1)?.keys !== undefined;
    } else if (char === "-" || (char >= "0" && char <= "9")) {
      const end = endOfNumber(text, at);
      const number = text.slice(at, end);
      if (!Number.isFinite(Number(number))) {
        throw new SafetensorsError(
          `${where}${path()} has the number ${number}, which is beyond any float; write the file again without it`,
        );
      }
      const field = levels.length > 1 ? levels[1].key : undefined;
      if (field !== undefined && plainIntegers.includes(field) && !/^\d+$/.test(number)) {
        throw new SafetensorsError(
          `${where}${path()} has the number ${number}; only integers from 0 up, in digits`,
        );
      }
      at = end - 1;
    }
  }
}

/** The index after the closing quote of the string that opens at `begin`. */
function endOfString(text: string, begin: number): number {
  let at = begin + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

function endOfNumber(text: string, begin: number): number {
  let at = begin + 1;
  while (at < text.length && "+-.eE0123456789".includes(text[at])) at++;
  return at;
}
