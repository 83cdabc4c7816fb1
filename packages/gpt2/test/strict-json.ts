/** JSON as a reader of types sees it: a number with neither point nor exponent is an int, and any other a float. */

export interface StrictNumber {
  readonly type: "int" | "float";
  readonly value: number;
}

/** JSON with every number a StrictNumber. @throws Error for what is no JSON. */
export function strictJson(text: string): unknown {
  // Numbers outside of strings go into strings of their own; the strings that are there are marked.
  const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  const marked = text.replace(tokens, (token) =>
    token.startsWith('"') ? `"s${token.slice(1)}` : `"n${token}"`,
  );
  return JSON.parse(marked, (_key, value: unknown) => {
    if (typeof value === "string") return value.startsWith("s") ? value.slice(1) : numberOf(value.slice(1));
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, field]: [string, unknown]) => [key.slice(1), field]),
    );
  });
}

function numberOf(token: string): StrictNumber {
  return { type: /[.eE]/.test(token) ? "float" : "int", value: Number(token) };
}

/** Every number in strict JSON, with the names of the fields that lead to it. */
export function numbersIn(
  json: unknown,
  path: readonly string[] = [],
): (StrictNumber & { path: string[] })[] {
  if (typeof json !== "object" || json === null) return [];
  const { type, value } = json as Partial<StrictNumber>;
  if ((type === "int" || type === "float") && typeof value === "number") {
    return [{ type, value, path: [...path] }];
  }
  return Object.entries(json).flatMap(([key, field]) => numbersIn(field, [...path, key]));
}
