/** Functions of one value, value by value: x (...) → (...). What has no meaning for int32 or bool makes float32 of it first. */
import { type DType, type UnaryOp, unaryOperators } from "@normless/tensor";
import { apply, compose, type Result } from "../apply.js";
import { unaryRules } from "../rules/unary.js";
import { sendBack } from "../send-back.js";
import type { Value } from "../tape.js";

function unary<X extends Value>(op: UnaryOp, given: X): Result<X> {
  const takes: readonly DType[] = unaryOperators[op].takes;
  if (!takes.includes(given.dtype)) return compose(op, [given], (x) => unary(op, cast(x, takes[0])));
  return apply(op, [given], ([x], backend) => {
    const { y } = backend.run("unary", { x }, { op });
    const rule = unaryRules[op];
    return {
      made: [y],
      backward: (dy, gradients, [xv], output) => {
        if (rule) sendBack(dy, gradients, output, [[xv, () => rule({ dy, x, y })]]);
      },
    };
  });
}

/** −x. */
export const neg = <X extends Value>(x: X): Result<X> => unary("neg", x);
/** |x|. */
export const abs = <X extends Value>(x: X): Result<X> => unary("abs", x);
/** −1, 0 or 1; of NaN 0. */
export const sign = <X extends Value>(x: X): Result<X> => unary("sign", x);
/** x². */
export const square = <X extends Value>(x: X): Result<X> => unary("square", x);
/** x where it is above 0, 0 elsewhere. */
export const relu = <X extends Value>(x: X): Result<X> => unary("relu", x);
/** eˣ. */
export const exp = <X extends Value>(x: X): Result<X> => unary("exp", x);
/** eˣ − 1, exact near 0. */
export const expm1 = <X extends Value>(x: X): Result<X> => unary("expm1", x);
/** The natural logarithm; of 0 −∞, below it NaN. */
export const log = <X extends Value>(x: X): Result<X> => unary("log", x);
/** log(1 + x), exact near 0. */
export const log1p = <X extends Value>(x: X): Result<X> => unary("log1p", x);
/** √x; below 0 NaN. */
export const sqrt = <X extends Value>(x: X): Result<X> => unary("sqrt", x);
/** 1/√x. */
export const rsqrt = <X extends Value>(x: X): Result<X> => unary("rsqrt", x);
/** 1/x. */
export const reciprocal = <X extends Value>(x: X): Result<X> => unary("reciprocal", x);
/** The sine of radians. */
export const sin = <X extends Value>(x: X): Result<X> => unary("sin", x);
/** The cosine of radians. */
export const cos = <X extends Value>(x: X): Result<X> => unary("cos", x);
/** The hyperbolic tangent. */
export const tanh = <X extends Value>(x: X): Result<X> => unary("tanh", x);
/** 1 / (1 + e⁻ˣ). */
export const sigmoid = <X extends Value>(x: X): Result<X> => unary("sigmoid", x);
/** The error function. */
export const erf = <X extends Value>(x: X): Result<X> => unary("erf", x);
/** x · sigmoid(x), also called swish. */
export const silu = <X extends Value>(x: X): Result<X> => unary("silu", x);
/** log(1 + eˣ). */
export const softplus = <X extends Value>(x: X): Result<X> => unary("softplus", x);
/** The whole number at or below. Its gradient is 0. */
export const floor = <X extends Value>(x: X): Result<X> => unary("floor", x);
/** The whole number at or above. Its gradient is 0. */
export const ceil = <X extends Value>(x: X): Result<X> => unary("ceil", x);
/** The nearest whole number, halves to the even one. Its gradient is 0. */
export const round = <X extends Value>(x: X): Result<X> => unary("round", x);
/** Whether x is false: 0. */
export const logicalNot = <X extends Value>(x: X): Result<X> => unary("logicalNot", x);
/** Whether x is NaN. */
export const isNaN = <X extends Value>(x: X): Result<X> => unary("isNaN", x);
/** Whether x is neither infinite nor NaN. */
export const isFinite = <X extends Value>(x: X): Result<X> => unary("isFinite", x);

/** Values of another kind. float32 to int32 loses what is behind the point; to bool, all but 0 is true. Ends gradients. */
export function cast<X extends Value>(given: X, to: DType): Result<X> {
  return apply("cast", [given], ([x], backend) => {
    if (x.dtype === to)
      return {
        made: [backend.reshape(x, x.shape)],
        backward: (dy, gradients, [xv], output) => sendBack(dy, gradients, output, [[xv, () => dy]]),
      };
    return { made: [backend.run("cast", { x }, { to }).y] };
  });
}
