/** Checks of values that index memory: a kernel must never read or write outside of its operands. */
import { BackendError, POSITION_CLASSES } from "@normless/tensor";
import type { Engine } from "../engine.js";
import type { Input } from "./implementation.js";

/**
 * Looks at what `upload` and `write` have put there at once, before jobs that were handed over; at what a kernel writes when
 * all jobs are done.
 * @throws BackendError when an id is not one of 0 to limit − 1.
 */
export function checkIds(engine: Engine, op: string, name: string, ids: Input, limit: number): void {
  if (ids.computed) engine.drain();
  const at = engine.exports.firstOutside(ids.pointer, ids.size, limit);
  if (at < 0) return;
  const id = engine.heap.int32(ids.pointer, ids.size)[at];
  throw new BackendError(`${op}: ${name}[${at}] is ${id}; it must be from 0 to ${limit - 1}`);
}

/** As `checkIds`, for position classes. @throws BackendError */
export function checkClassValues(engine: Engine, op: string, classes: Input): void {
  checkIds(engine, op, "classes", classes, POSITION_CLASSES.length);
}
