/**
 * JSON text for readers that tell 1.0 from 1: transformers 5 refuses a config whose `layer_norm_epsilon` is
 * `1000000000000`. JavaScript has one kind of number, so that what is a float has to be said.
 */

/** A number that is written as a float: 1 as `1.0`, so that reading it gives the very number back. */
export class Float {
  /** @throws RangeError for what JSON cannot hold, NaN and infinities. */
  constructor(readonly value: number) {
    if (!Number.isFinite(value)) throw new RangeError(`JSON holds finite numbers only, and this is ${value}`);
  }

  toString(): string {
    const text = Object.is(this.value, -0) ? "-0" : String(this.value);
    return /[.e]/.test(text) ? text : `${text}.0`;
  }
}

/** Plain data with every number in it a float. */
export function allFloats(value: unknown): unknown {
  if (typeof value === "number") return new Float(value);
  if (Array.isArray(value)) return value.map(allFloats);
  return isObject(value) ? mapValues(value, allFloats) : value;
}

/** What `JSON.stringify(value, undefined, 2)` gives, but for `Float`s. */
export function jsonText(value: unknown, indent = ""): string {
  if (value instanceof Float) return value.toString();
  const inner = `${indent}  `;
  const lines = (texts: readonly string[], [open, close]: string) =>
    texts.length === 0
      ? open + close
      : `${open}\n${texts.map((text) => inner + text).join(",\n")}\n${indent}${close}`;
  if (Array.isArray(value)) {
    return lines(
      value.map((item) => jsonText(item, inner)),
      "[]",
    );
  }
  if (!isObject(value)) return JSON.stringify(value ?? null);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return lines(
    fields.map(([key, field]) => `${JSON.stringify(key)}: ${jsonText(field, inner)}`),
    "{}",
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function mapValues(value: object, change: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, change(field)]));
}
