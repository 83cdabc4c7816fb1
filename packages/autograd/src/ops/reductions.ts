/** Reductions over dimensions, all where none is named, and what goes along one: running sums, softmax, order. */
import { enroll, type ReduceOp, reduceOperators, type Tensor } from "@normless/tensor";
import { apply, compose, type Result, tensorOf } from "../apply.js";
import {
  along,
  aroundDims,
  type Dims,
  dimOf,
  dimsOf,
  look,
  reduced,
  repeated,
  viewed,
  without,
} from "../axes.js";
import { overDims, reduceRules } from "../rules/reduce.js";
import { sendBack } from "../send-back.js";
import { type Value, Variable } from "../tape.js";
import { eq, where } from "./binary.js";
import { cast, sqrt } from "./unary.js";

/** Whether a dimension that was reduced stays, of size 1. */
export interface Keep {
  readonly keepdim?: boolean;
}

/** `correction`: what the divisor is less than the number of values; 1, a sample's, unless given, as in PyTorch. */
export interface SpreadOptions extends Keep {
  readonly correction?: number;
}

function reduce<X extends Value>(
  op: ReduceOp,
  given: X,
  dim: Dims,
  { keepdim = false, correction = 0 }: SpreadOptions,
): Result<X> {
  const takes: readonly string[] = reduceOperators[op].takes;
  if (!takes.includes(given.dtype)) {
    const kind = takes.includes("bool") ? "bool" : takes.includes("int32") ? "int32" : "float32";
    return compose(op, [given], (x) => reduce(op, cast(x, kind), dim, { keepdim, correction }));
  }
  return apply(op, [given], ([x], backend) => {
    const dims = dimsOf(op, dim, x.shape);
    const all = dims.length === x.shape.length && x.dtype === "float32";
    const y = all && op === "sum" ? backend.run("sum", { x }, {}).y : reduced(x, { op, correction }, dims);
    const rule = reduceRules[op];
    const made: [Tensor, ...Tensor[]] = keepdim ? [look(y, without(x.shape, dims, true)), y] : [y];
    if (!rule) return { made };
    return {
      made,
      backward: (dy, gradients, [xv], output) => {
        const kept = without(x.shape, dims, true);
        const N = dims.reduce((product, d) => product * x.shape[d], 1);
        const rest = { x, N, correction, over: overDims(dims, kept) };
        const dx = () => repeated(rule({ dy: look(dy, kept), y: look(y, kept), ...rest }), x.shape);
        sendBack(dy, gradients, output, [[xv, dx]]);
      },
    };
  });
}

/** The sum. Of nothing 0; of bool the number of those that are true, int32. */
export const sum = <X extends Value>(x: X, dim?: Dims, keep: Keep = {}): Result<X> =>
  reduce("sum", x, dim, keep);
/** The mean. Of nothing NaN. */
export const mean = <X extends Value>(x: X, dim?: Dims, keep: Keep = {}): Result<X> =>
  reduce("mean", x, dim, keep);
/** The product. Of nothing 1. */
export const prod = <X extends Value>(x: X, dim?: Dims, keep: Keep = {}): Result<X> =>
  reduce("prod", x, dim, keep);
/** The largest value, PyTorch's amax: equal ones share the gradient. NaN where there is one. Of nothing: ShapeError. */
export const max = <X extends Value>(x: X, dim?: Dims, keep: Keep = {}): Result<X> =>
  reduce("max", x, dim, keep);
/** The least value, PyTorch's amin: equal ones share the gradient. NaN where there is one. Of nothing: ShapeError. */
export const min = <X extends Value>(x: X, dim?: Dims, keep: Keep = {}): Result<X> =>
  reduce("min", x, dim, keep);
/** Whether any value is true, that is not 0. Of nothing false. */
export const any = <X extends Value>(x: X, dim?: Dims, keep: Keep = {}): Result<X> =>
  reduce("any", x, dim, keep);
/** Whether all values are true, that is not 0. Of nothing true. */
export const all = <X extends Value>(x: X, dim?: Dims, keep: Keep = {}): Result<X> =>
  reduce("all", x, dim, keep);
/** log Σ eˣ, without overflow. Of nothing −∞. */
export const logSumExp = <X extends Value>(x: X, dim?: Dims, keep: Keep = {}): Result<X> =>
  reduce("logSumExp", x, dim, keep);
/** The variance. */
export const variance = <X extends Value>(x: X, dim?: Dims, options: SpreadOptions = {}): Result<X> =>
  reduce("variance", x, dim, { correction: 1, ...options });
/** The standard deviation: the root of the variance. Where all values are equal its gradient is 0, as PyTorch's. */
export const std = <X extends Value>(x: X, dim?: Dims, options: SpreadOptions = {}): Result<X> =>
  compose("std", [x], (x) => {
    const squared = variance(x, dim, options);
    if (!(squared instanceof Variable)) return sqrt(squared);
    const none = eq(squared, 0);
    // The root of 0 has no slope.
    return where(none, 0, sqrt(where(none, 1, squared)));
  });

function argReduce<X extends Value>(
  op: "argmax" | "argmin",
  given: X,
  dim: number | undefined,
  { keepdim = false }: Keep,
): Result<X> {
  return apply(op, [given], ([x], backend) => {
    const d = dim === undefined ? 0 : dimOf(op, dim, x.shape);
    const kept = dim === undefined ? x.shape.map(() => 1) : without(x.shape, [d], true);
    const shape = dim === undefined ? [] : without(x.shape, [d]);
    const sizes = dim === undefined ? [1, x.size, 1] : aroundDims(x.shape, d);
    const run = (x: Tensor) => backend.run("argReduce", { x }, { op }).y;
    return { made: [viewed(x, sizes, keepdim ? kept : shape, run)] };
  });
}

/** The place of the largest value, or of the first NaN, int32; of equal ones the first. Without `dim` in all of x, row-major. */
export const argmax = <X extends Value>(x: X, dim?: number, keep: Keep = {}): Result<X> =>
  argReduce("argmax", x, dim, keep);
/** The place of the least value, or of the first NaN, int32; of equal ones the first. Without `dim` in all of x, row-major. */
export const argmin = <X extends Value>(x: X, dim?: number, keep: Keep = {}): Result<X> =>
  argReduce("argmin", x, dim, keep);

/** The sum of all values up to each along `dim`, that one included. */
export function cumsum<X extends Value>(given: X, dim: number): Result<X> {
  return apply("cumsum", [given], ([x], backend) => {
    const d = dimOf("cumsum", dim, x.shape);
    const run = (x: Tensor, reverse: boolean) =>
      along(x, d, x.shape, (x) => backend.run("cumsum", { x }, { reverse }).y);
    return {
      made: [run(x, false)],
      backward: (dy, gradients, [xv], output) => sendBack(dy, gradients, output, [[xv, () => run(dy, true)]]),
    };
  });
}

function softmaxOf<X extends Value>(op: string, given: X, dim: number, log: boolean): Result<X> {
  if (given.dtype !== "float32")
    return compose(op, [given], (x) => softmaxOf(op, cast(x, "float32"), dim, log));
  return apply(op, [given], ([x], backend) => {
    const d = dimOf(op, dim, x.shape);
    const y = along(x, d, x.shape, (x) => backend.run("softmax", { x }, { log }).y);
    const dx = (dy: Tensor) => {
      const sizes = aroundDims(y.shape, d);
      return look(
        enroll(backend.run("softmaxGrad", { dy: look(dy, sizes), y: look(y, sizes) }, { log }).dx),
        y.shape,
      );
    };
    return {
      made: [y],
      backward: (dy, gradients, [xv], output) => sendBack(dy, gradients, output, [[xv, () => dx(dy)]]),
    };
  });
}

/** eˣ / Σ eˣ along `dim`, the last unless given. */
export const softmax = <X extends Value>(x: X, dim = -1): Result<X> => softmaxOf("softmax", x, dim, false);
/** The logarithm of the softmax along `dim`, the last unless given. */
export const logSoftmax = <X extends Value>(x: X, dim = -1): Result<X> =>
  softmaxOf("logSoftmax", x, dim, true);

/** Values in order, and where in x each was, int32. */
export interface Sorted<X> {
  readonly values: Result<X>;
  readonly indices: Result<X>;
}

/** x in order along `dim`, the last unless given; equal values stay in theirs, NaN is the largest. */
export function sort<X extends Value>(
  given: X,
  { dim = -1, descending = false }: { readonly dim?: number; readonly descending?: boolean } = {},
): Sorted<X> {
  const x = tensorOf(given);
  const { backend } = x;
  const d = dimOf("sort", dim, x.shape);
  const sizes = aroundDims(x.shape, d);
  const of = look(x, sizes);
  const sorted = backend.run("sort", { x: of }, { descending });
  of.free();
  // The places first: a tape goes back from the end, and the gradient of the values reads them.
  const places: Result<X> = apply("sort", [given], () => ({
    made: [look(sorted.indices, x.shape), sorted.indices],
  }));
  const indices = tensorOf(places);
  const values: Result<X> = apply("sort", [given], () => ({
    made: [look(sorted.values, x.shape), sorted.values],
    backward: (dy, gradients, [xv], output) => {
      const dx = () => {
        const operands = { x: look(dy, sizes), index: look(indices, sizes) };
        return look(enroll(backend.run("scatterAdd", operands, { N: sizes[1] }).y), x.shape);
      };
      sendBack(dy, gradients, output, [[xv, dx]]);
    },
  }));
  return { values, indices: places };
}
