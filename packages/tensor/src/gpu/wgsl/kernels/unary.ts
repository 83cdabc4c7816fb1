/** What goes value by value: one operator, clamping, becoming another kind. */
import type { DType } from "../../../dtype.js";
import type { Build } from "../../program.js";
import { onto } from "../into.js";
import { unaryFunction } from "../source/operators.js";
import { TESTS } from "../source/order.js";

const X = { x: "x" };

export const unary: Build<"unary"> = (_in, { op }, { y }) =>
  onto(`unary ${op}`, X, "apply(x[i])", {}, unaryFunction(op))("y", y);

/** The ends are uniforms, which may be infinite. */
const CLAMPED = `
fn clamped(v: f32) -> f32 {
  let w = select(v, u.least, v < u.least);
  return select(w, u.most, w > u.most);
}`;

export const clamp: Build<"clamp"> = (_in, { min, max }, { y }) =>
  onto("clamp", X, "clamped(x[i])", { least: min, most: max }, CLAMPED)("y", y);

/** From float32; what is whole, or a bit, is so in every kind of value. */
const CAST: Readonly<Record<Exclude<DType, "bfloat16">, string>> = {
  float32: "x[i]",
  int32: "select(min(max(trunc(x[i]), -2147483648.0), 2147483648.0), 0.0, is_nan(x[i]))",
  bool: "select(1.0, 0.0, x[i] == 0.0)",
};

export const cast: Build<"cast"> = (_in, { to }, { y }) =>
  onto(`cast to ${to}`, X, CAST[to as keyof typeof CAST], {}, TESTS)("y", y);
