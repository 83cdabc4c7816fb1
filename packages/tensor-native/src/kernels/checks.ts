/** Checks of values that index memory: a kernel must never read or write outside of its operands. */
import { BackendError, POSITION_CLASSES } from "@normless/tensor";
import type { Engine } from "../engine.js";
import type { Operand } from "./implementation.js";

/** @throws BackendError when an id is not one of 0 to limit − 1. */
export function checkIds(engine: Engine, op: string, name: string, ids: Operand, limit: number): void {
  const at = engine.firstOutside(ids.pointer, ids.size, limit);
  if (at < 0) return;
  const id = engine.intAt(ids.pointer + 4 * at);
  throw new BackendError(`${op}: ${name}[${at}] is ${id}; it must be from 0 to ${limit - 1}`);
}

/** As `checkIds`, for position classes. @throws BackendError */
export function checkClassValues(engine: Engine, op: string, classes: Operand): void {
  checkIds(engine, op, "classes", classes, POSITION_CLASSES.length);
}
