/** How the gradient of y = f(x) goes back, an operator a line. */
import type { Tensor, UnaryOp } from "@normless/tensor";
import { add, cos, div, exp, le, mul, neg, sigmoid, sign, sin, square, sub, where } from "../kernel-calls.js";

/** dx of dy, x and y; undefined where the function is flat, or its value a condition. */
export type UnaryRule =
  ((of: { readonly dy: Tensor; readonly x: Tensor; readonly y: Tensor }) => Tensor) | undefined;

/** All rules. At a corner the slope is PyTorch's: 0 of abs and relu at 0, 1 of relu at NaN. */
export const unaryRules: { readonly [K in UnaryOp]: UnaryRule } = {
  neg: ({ dy }) => neg(dy),
  abs: ({ dy, x }) => mul(dy, sign(x)),
  square: ({ dy, x }) => mul(dy, mul(x, 2)),
  relu: ({ dy, x }) => where(le(x, 0), 0, dy),
  exp: ({ dy, y }) => mul(dy, y),
  expm1: ({ dy, y }) => mul(dy, add(y, 1)),
  log: ({ dy, x }) => div(dy, x),
  log1p: ({ dy, x }) => div(dy, add(x, 1)),
  sqrt: ({ dy, y }) => div(dy, mul(y, 2)),
  rsqrt: ({ dy, y }) => mul(dy, mul(mul(y, square(y)), -0.5)),
  reciprocal: ({ dy, y }) => neg(mul(dy, square(y))),
  sin: ({ dy, x }) => mul(dy, cos(x)),
  cos: ({ dy, x }) => neg(mul(dy, sin(x))),
  tanh: ({ dy, y }) => mul(dy, sub(1, square(y))),
  sigmoid: ({ dy, y }) => mul(dy, mul(y, sub(1, y))),
  erf: ({ dy, x }) => mul(dy, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI))),
  silu({ dy, x }) {
    const s = sigmoid(x);
    return mul(dy, mul(s, add(mul(x, sub(1, s)), 1)));
  },
  softplus: ({ dy, x }) => mul(dy, sigmoid(x)),
  sign: undefined,
  floor: undefined,
  ceil: undefined,
  round: undefined,
  logicalNot: undefined,
  isNaN: undefined,
  isFinite: undefined,
};
