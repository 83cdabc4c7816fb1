/** In which fields two values of JSON differ. */
import { isDeepStrictEqual } from "node:util";
import { isObject } from "./json.js";

/** A field that is not the same in both. */
export interface Difference {
  /** Such as `learningRate.peak`. */
  readonly path: string;
  readonly before: unknown;
  readonly now: unknown;
}

/** The innermost fields that differ, in order. */
export function differences(before: unknown, now: unknown, path = ""): Difference[] {
  if (isDeepStrictEqual(before, now)) return [];
  if (!isObject(before) || !isObject(now)) return [{ path, before, now }];
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((key) =>
    differences(before[key], now[key], path === "" ? key : `${path}.${key}`),
  );
}

/** A value as messages show it. */
export const said = (value: unknown) => (value === undefined ? "not given" : JSON.stringify(value));
