/** How the gradient of y = a ∘ b goes back, an operator a line. Where an operand was repeated its gradient is summed afterwards. */
import type { BinaryOp, Tensor } from "@normless/tensor";
import { div, eq, ge, gt, log, logicalAnd, lt, mul, neg, pow, sub, where } from "../kernel-calls.js";

interface Given {
  readonly dy: Tensor;
  readonly a: Tensor;
  readonly b: Tensor;
  readonly y: Tensor;
}

/** da and db of dy, a, b and y; undefined where the value is a condition. */
export type BinaryRule =
  { readonly a: (given: Given) => Tensor; readonly b: (given: Given) => Tensor } | undefined;

/** dy where this operand won, half of it where the two are equal: PyTorch's choice. */
const toWinner = (dy: Tensor, lost: Tensor, tie: Tensor) => where(lost, 0, where(tie, mul(dy, 0.5), dy));

/** All rules. */
export const binaryRules: { readonly [K in BinaryOp]: BinaryRule } = {
  add: { a: ({ dy }) => dy, b: ({ dy }) => dy },
  sub: { a: ({ dy }) => dy, b: ({ dy }) => neg(dy) },
  mul: { a: ({ dy, b }) => mul(dy, b), b: ({ dy, a }) => mul(dy, a) },
  div: { a: ({ dy, b }) => div(dy, b), b: ({ dy, b, y }) => neg(mul(dy, div(y, b))) },
  pow: {
    a: ({ dy, a, b }) => where(eq(b, 0), 0, mul(dy, mul(b, pow(a, sub(b, 1))))),
    b: ({ dy, a, b, y }) => where(logicalAnd(eq(a, 0), ge(b, 0)), 0, mul(dy, mul(y, log(a)))),
  },
  maximum: {
    a: ({ dy, a, b }) => toWinner(dy, lt(a, b), eq(a, b)),
    b: ({ dy, a, b }) => toWinner(dy, gt(a, b), eq(a, b)),
  },
  minimum: {
    a: ({ dy, a, b }) => toWinner(dy, gt(a, b), eq(a, b)),
    b: ({ dy, a, b }) => toWinner(dy, lt(a, b), eq(a, b)),
  },
  eq: undefined,
  ne: undefined,
  lt: undefined,
  le: undefined,
  gt: undefined,
  ge: undefined,
  logicalAnd: undefined,
  logicalOr: undefined,
};
