/** Filling, adding and scaling, and the sums to a scalar (native/elementwise.c). */
import type { Engine } from "../engine.js";
import { declare } from "../library.js";
import type { Operand } from "./implementation.js";

const add = declare("int add_to(engine *e, float *y, const float *x, int64_t n)");
const addInt = declare("int add_to_int(engine *e, int32_t *y, const int32_t *x, int64_t n)");
const fillBits = declare("int fill(engine *e, int32_t *y, int32_t value, int64_t n)");

/** y += x, of one shape and kind. */
export function addTo(engine: Engine, y: Operand, x: Operand): void {
  engine.call(y.dtype === "float32" ? add : addInt, y.pointer, x.pointer, y.size);
}

/** y = 0. */
export function zero(engine: Engine, y: Operand): void {
  engine.call(fillBits, y.pointer, 0, y.size);
}
