/**
 * The class of a token, which decides which frozen std applies to it: 0 the first position (whatever token stands
 * there), 1 end-of-text, 2 the rest. Kernels take classes as int32, one a token.
 */
import { ShapeError } from "../errors.js";
import { sizeOf } from "../shape.js";
import type { Shaped } from "./contract.js";

/** The classes, in the order of their numbers. */
export const POSITION_CLASSES = ["first", "eot", "rest"] as const;
/** `first`, `eot` or `rest`. */
export type PositionClass = (typeof POSITION_CLASSES)[number];
/** One number for each position class. */
export type PerClass = Readonly<Record<PositionClass, number>>;

/** The number of `rest`. */
export const REST = 2;

/** One entry a row. @throws ShapeError */
export function checkClasses(op: string, rows: number, classes: Shaped): void {
  if (sizeOf(classes.shape) !== rows) {
    throw new ShapeError(op, `classes needs ${rows} entries, one a token`, { classes: classes.shape });
  }
}
