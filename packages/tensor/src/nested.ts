/** Nested arrays to row-major values, and back. */
import { ShapeError } from "./errors.js";
import { type Shape, sizeOf } from "./shape.js";

/** A number, or arrays of them in arrays, all of one length at each depth: `[[1, 2], [3, 4]]` is (2,2). */
export type NestedArray = number | NestedArray[];

/** Row-major values of `shape` as nested arrays. */
export function nest(values: number[], shape: Shape): NestedArray {
  if (shape.length === 0) return values[0];
  const [first, ...rest] = shape;
  const stride = sizeOf(rest);
  return Array.from({ length: first }, (_, i) => nest(values.slice(i * stride, (i + 1) * stride), rest));
}

/**
 * Appends the numbers of `value` to `out`, row-major, and finds their shape. @throws ShapeError when rows differ in
 * length
 */
export function flatten(value: NestedArray, depth: number, shape: number[], out: number[]): void {
  if (typeof value === "number") {
    if (depth !== shape.length)
      throw new ShapeError("tensor", "nested arrays of unequal depth", { so_far: shape });
    out.push(value);
    return;
  }
  if (depth === shape.length && out.length === 0) shape.push(value.length);
  if (shape[depth] !== value.length) {
    throw new ShapeError("tensor", `a row of length ${value.length} at depth ${depth}`, { expected: shape });
  }
  for (const part of value) flatten(part, depth + 1, shape, out);
}
