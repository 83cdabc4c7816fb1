/** How the gradient of a reduction goes back to each value that went in, an operator a line. */
import type { ReduceOp, Tensor } from "@normless/tensor";
import { look, reduced } from "../axes.js";
import { cast, div, eq, exp, mul, sub, where } from "../kernel-calls.js";

interface Given {
  /** y and its gradient, with a size of 1 in place of each dimension that was reduced, so that they broadcast to x. */
  readonly dy: Tensor;
  readonly y: Tensor;
  readonly x: Tensor;
  /** How many values went into each of y. */
  readonly N: number;
  readonly correction: number;
  /** A reduction over the same dimensions, of a shape like y's. */
  readonly over: (op: ReduceOp, x: Tensor) => Tensor;
}

/** dx of a shape that broadcasts to x's; undefined where the value is a condition. */
export type ReduceRule = ((given: Given) => Tensor) | undefined;

/** All rules. */
export const reduceRules: { readonly [K in ReduceOp]: ReduceRule } = {
  sum: ({ dy }) => dy,
  mean: ({ dy, N }) => div(dy, N),
  prod: productRule,
  max: toEquals,
  min: toEquals,
  variance: ({ dy, x, N, correction, over }) =>
    mul(mul(dy, 2 / Math.max(N - correction, 0)), sub(x, over("mean", x))),
  logSumExp: ({ dy, x, y }) => where(eq(y, -Infinity), 0, mul(dy, exp(sub(x, y)))),
  any: undefined,
  all: undefined,
};

/** In equal parts to all values that are the largest (or least): PyTorch's amax. */
function toEquals({ dy, x, y, over }: Given): Tensor {
  const equal = cast(eq(x, y), "float32");
  return mul(equal, div(dy, over("sum", equal)));
}

/** The product of the others: y / x, but for zeros, of which one leaves a slope at itself alone, and two none. */
function productRule({ dy, x, over }: Given): Tensor {
  const isZero = eq(x, 0);
  const zeros = over("sum", cast(isZero, "float32"));
  const ofOthers = over("prod", where(isZero, 1, x));
  const atZero = where(eq(zeros, 1), ofOthers, 0);
  const elsewhere = where(eq(zeros, 0), div(ofOthers, where(isZero, 1, x)), 0);
  return mul(dy, where(isZero, atZero, elsewhere));
}

/** The reduction that rules are given. */
export function overDims(dims: readonly number[], kept: readonly number[]): Given["over"] {
  return (op, x) => look(reduced(x, { op }, dims), kept);
}
