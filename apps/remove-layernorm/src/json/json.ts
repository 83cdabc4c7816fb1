/** JSON files from people: read, checked against a schema, and refused with the place and the way out. */
import { firstNames } from "@normless/data";
import { parseJson, printable, show } from "@normless/text";
import type { z } from "zod";
import { messageOf, UsageError } from "../errors.js";
import { readText } from "./text-file.js";
import { fieldMeant, fieldsAt } from "./json-fields.js";
import { didYouMean } from "../options/nearest.js";

/** @throws UsageError when there is no such file or it is no JSON. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readText(path).catch((cause: unknown) => {
    throw new UsageError(`${path}: ${messageOf(cause)}`, { cause });
  });
  try {
    return parseJson(text, path);
  } catch (cause) {
    throw new UsageError(messageOf(cause), { cause });
  }
}

/** @throws UsageError naming `where`, the path of the first bad field, what it is and what is expected. */
export function checkJson<X>(where: string, schema: z.ZodType<X>, value: unknown): X {
  const { data, error } = schema.safeParse(value);
  if (!error) return data;
  throw new UsageError(printable(describeIssue(where, theCause(error.issues, value), schema, value)));
}

/** Of several issues of a value the one to name. */
function theCause(issues: readonly z.core.$ZodIssue[], value: unknown): z.core.$ZodIssue {
  // A value that is there and wrong may be why other fields are strange; one that is missing may be misspelt.
  const misspelt = issues.find(({ code }) => code === "unrecognized_keys");
  const wrong = issues.find((issue) => issue !== misspelt && valueAt(value, issue.path) !== undefined);
  return wrong ?? misspelt ?? issues[0];
}

function describeIssue(where: string, issue: z.core.$ZodIssue, schema: z.ZodType, value: unknown): string {
  // A union's own message tells nothing; the alternative that came furthest does.
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const depth = (issues: z.core.$ZodIssue[]) =>
      issues.reduce((most, { path }) => Math.max(most, path.length), 0);
    const [furthest] = [...issue.errors].sort((a, b) => depth(b) - depth(a));
    const inner = theCause(furthest, valueAt(value, issue.path));
    if (inner.path.length > 0 || inner.code === "unrecognized_keys") {
      return describeIssue(where, { ...inner, path: [...issue.path, ...inner.path] }, schema, value);
    }
  }
  const path = issue.path.map(String).join(".");
  const place = path === "" ? where : `${where}: ${path}`;
  if (issue.code === "unrecognized_keys") {
    const keys = firstNames(issue.keys.map((key) => `"${key}"`));
    const known = fieldsAt(schema, issue.path, value) ?? [];
    const meant = fieldMeant(schema, issue.keys[0], known);
    return `${place}: there is no field ${keys}${known.length > 0 ? `; the fields are ${known.join(", ")}.${meant}` : ""}`;
  }
  const found = valueAt(value, issue.path);
  const expected = issue.message
    .replace(/^(Invalid (input|option)|Too small|Too big): /, "")
    .replace(/^Invalid discriminator value\. E/, "e");
  return `${place} is ${found === undefined ? "missing" : show(found)}; ${expected}${choiceMeant(issue, found)}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inside, key) => (typeof inside === "object" && inside !== null ? Reflect.get(inside, key) : undefined),
    value,
  );
}

/** Of a value that is none of those that a field may have, the nearest that is. */
function choiceMeant(issue: z.core.$ZodIssue, found: unknown): string {
  const choices = issue.code === "invalid_value" ? issue.values : "options" in issue ? issue.options : [];
  if (typeof found !== "string" || !Array.isArray(choices)) return "";
  const meant = didYouMean(
    found,
    choices.filter((choice) => typeof choice === "string"),
  );
  return meant && `.${meant}`;
}

/** A JSON object with `layer`'s fields over `base`'s, objects inside likewise, but for objects of another `kind`. */
export function mergeJson(base: unknown, layer: unknown): unknown {
  if (!isObject(base) || !isObject(layer)) return layer;
  if (layer["kind"] !== undefined && layer["kind"] !== base["kind"]) return layer;
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(layer)) {
    if (value !== undefined) merged.set(key, mergeJson(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
