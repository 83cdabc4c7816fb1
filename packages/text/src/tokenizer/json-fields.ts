/** Fields of parsed JSON, checked: errors name the field, what it is and what it must be. */
import { FormatError } from "../errors.js";
import { show } from "../json.js";

/** The fields of an object. @throws FormatError when `value` is none */
export function fields(name: string, value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new FormatError(`${name} is ${show(value)}; it must be a JSON object (parsed, not its text)`);
  }
  return value as Record<string, unknown>;
}

/** The elements of a list. @throws FormatError when `value` is none */
export function list(name: string, value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new FormatError(`${name} is ${show(value)}; it must be a list`);
  return value;
}

/** @throws FormatError when a field is none of what GPT-2's tokenizer has */
export function requireField(name: string, value: unknown, allowed: readonly unknown[]): void {
  if (allowed.includes(value)) return;
  const wanted = allowed.filter((choice) => choice !== undefined).map(show);
  throw new FormatError(`${name} is ${show(value)}; GPT-2's tokenizer has ${wanted.join(" or ")}`);
}
