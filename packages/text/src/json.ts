/** JSON of others: bounded in its nesting, so that nothing that walks a value runs out of stack, and shown in short. */
import { FormatError } from "./errors.js";
import { printable } from "./printable.js";

/** Lists and objects inside of each other, at most; serde_json, which reads the same files in Rust, has this bound. */
export const MOST_NESTED = 127;

/**
 * The value of a JSON text.
 * @param where how errors call the text
 * @throws FormatError when it is none, or is nested deeper than MOST_NESTED
 */
export function parseJson(text: string, where: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // Some engines run out of stack here.
    if (cause instanceof RangeError) throw tooDeep(where, cause);
    throw new FormatError(`${where} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  checkNesting(value, where);
  return value;
}

/** Holds parsed data of any format against MOST_NESTED. @throws FormatError naming `where` when they are nested deeper */
export function checkNesting(value: unknown, where: string): void {
  let level = insideOf([value]);
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === MOST_NESTED) throw tooDeep(where);
    level = level.flatMap((outer) => insideOf(Object.values(outer)));
  }
}

function insideOf(values: readonly unknown[]): object[] {
  return values.filter(
    (value) => typeof value === "object" && value !== null && !ArrayBuffer.isView(value),
  ) as object[];
}

function tooDeep(where: string, cause?: unknown): FormatError {
  const message = `${where} has more than ${MOST_NESTED} lists and objects inside of each other; nothing that is read here does`;
  return new FormatError(message, { cause });
}

/** A value of JSON or MessagePack for an error, safe to show: its JSON, cut where it is long. */
export function show(value: unknown): string {
  const text =
    JSON.stringify(value, (_key, inner: unknown) =>
      ArrayBuffer.isView(inner) ? `${inner.byteLength} bytes` : inner,
    ) ?? String(value);
  return printable(text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text);
}

const LONGEST_SHOWN = 80;
