/** Kernels as functions of tensors, for gradients to be written in: what they make belongs to the scope they are called in. */
import { type BinaryOp, type DType, enroll, type Tensor, type UnaryOp } from "@normless/tensor";

const unary =
  (op: UnaryOp) =>
  (x: Tensor): Tensor =>
    enroll(x.backend.run("unary", { x }, { op }).y);
const binary =
  (op: BinaryOp) =>
  (a: Tensor | number, b: Tensor | number): Tensor => {
    if (typeof a === "number") return typeof b === "number" ? never(op) : binary(op)(filled(b, a), b);
    const other = typeof b === "number" ? filled(a, b) : b;
    return enroll(a.backend.run("binary", { a, b: other }, { op }).y);
  };

function never(op: string): never {
  throw new TypeError(`${op} of two numbers is no kernel`);
}

/** One value, of shape [] and of the other's backend and dtype. */
export function filled(like: Tensor, value: number, dtype: DType = like.dtype): Tensor {
  return enroll(like.backend.run("full", {}, { shape: [], value, dtype }).y);
}

/** −x */
export const neg = unary("neg");
/** −1, 0 or 1 */
export const sign = unary("sign");
/** x² */
export const square = unary("square");
/** eˣ */
export const exp = unary("exp");
/** log x */
export const log = unary("log");
/** sin x */
export const sin = unary("sin");
/** cos x */
export const cos = unary("cos");
/** 1/(1 + e⁻ˣ) */
export const sigmoid = unary("sigmoid");
/** not x */
export const logicalNot = unary("logicalNot");

/** a + b */
export const add = binary("add");
/** a − b */
export const sub = binary("sub");
/** a · b */
export const mul = binary("mul");
/** a / b */
export const div = binary("div");
/** a to the power of b */
export const pow = binary("pow");
/** a = b */
export const eq = binary("eq");
/** a < b */
export const lt = binary("lt");
/** a > b */
export const gt = binary("gt");
/** a ≥ b */
export const ge = binary("ge");
/** a ≤ b */
export const le = binary("le");
/** a and b */
export const logicalAnd = binary("logicalAnd");

/** a where the condition is true, b elsewhere; a number is of the other's kind, one of the two is a tensor. */
export function where(condition: Tensor, a: Tensor | number, b: Tensor | number): Tensor {
  const like = typeof a === "number" ? b : a;
  if (typeof like === "number") return never("where");
  const [x, y] = [a, b].map((value) => (typeof value === "number" ? filled(like, value) : value));
  return enroll(condition.backend.run("where", { condition, a: x, b: y }, {}).y);
}

/** Values of another kind. */
export function cast(x: Tensor, to: DType): Tensor {
  return enroll(x.backend.run("cast", { x }, { to }).y);
}
