/**
 * The class of a token, which decides which frozen std applies to it: 0 the first position (whatever token stands
 * there), 1 end-of-text, 2 the rest. Kernels take classes as int32, one a token.
 */
import { ShapeError } from "../errors.js";
import { sizeOf } from "../shape.js";
import type { TensorSpec } from "../tensor.js";

export const POSITION_CLASSES = ["first", "eot", "rest"] as const;
export type PositionClass = (typeof POSITION_CLASSES)[number];
/** One number for each position class. */
export type PerClass = Readonly<Record<PositionClass, number>>;

export const REST = 2;

/** `classes` is int32 with one entry a row. */
export function checkClasses(op: string, rows: number, classes: TensorSpec): void {
  if (classes.dtype !== "int32" || sizeOf(classes.shape) !== rows) {
    throw new ShapeError(op, `classes needs ${rows} int32 entries, one a token`, { classes: classes.shape });
  }
}
