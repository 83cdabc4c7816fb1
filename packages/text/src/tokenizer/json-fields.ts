/** Fields of parsed JSON, checked: errors name the field, what it is and what it must be. */

/** The fields of an object. @throws Error when `value` is none */
export function fields(name: string, value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${name} is ${show(value)}; it must be a JSON object (parsed, not its text)`);
  }
  return value as Record<string, unknown>;
}

/** The elements of a list. @throws Error when `value` is none */
export function list(name: string, value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${name} is ${show(value)}; it must be a list`);
  return value;
}

/** @throws Error when a field is none of what GPT-2's tokenizer has */
export function requireField(name: string, value: unknown, allowed: readonly unknown[]): void {
  if (allowed.includes(value)) return;
  const wanted = allowed.filter((choice) => choice !== undefined).map(show);
  throw new Error(`${name} is ${show(value)}; GPT-2's tokenizer has ${wanted.join(" or ")}`);
}

/** A value for an error: its JSON, cut where it is long. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
