/** Dimensions by number, and tensors looked at as (O,N,I), which is how kernels take the one in question. */
import {
  broadcastStrides,
  enroll,
  type ReduceOp,
  type Shape,
  sameShape,
  scope,
  ShapeError,
  stridesOf,
  type Tensor,
} from "@normless/tensor";
import { spend } from "./spend.js";

/** One dimension or several, from 0 up or from −1 down; all where it is left out. */
export type Dims = number | readonly number[] | undefined;

/** The dimension as a number from 0 up. @throws ShapeError where there is none such */
export function dimOf(op: string, dim: number, shape: Shape): number {
  const rank = Math.max(shape.length, 1);
  if (Number.isInteger(dim) && dim >= -rank && dim < rank) return dim < 0 ? dim + rank : dim;
  throw new ShapeError(
    op,
    `there is no dimension ${dim}`,
    { x: shape },
    `Dimensions go from ${-rank} to ${rank - 1}.`,
  );
}

/**
 * The dimensions in ascending order, from 0 up; of a scalar, which can be told its dimension 0 or −1, there are none.
 * @throws ShapeError where there is none such, or one comes twice
 */
export function dimsOf(op: string, dims: Dims, shape: Shape): number[] {
  if (dims === undefined) return shape.map((_, d) => d);
  if (typeof dims === "number") {
    const found = dimOf(op, dims, shape);
    return shape.length === 0 ? [] : [found];
  }
  const found = [dims].flat().map((dim) => dimOf(op, dim, shape));
  if (new Set(found).size < found.length) {
    throw new ShapeError(op, `dimensions ${[dims].flat().join(",")} name one twice`, { x: shape });
  }
  return shape.length === 0 ? [] : found.sort((a, b) => a - b);
}

/** The shape without these dimensions, or with a 1 in place of each. */
export function without(shape: Shape, dims: readonly number[], keepdim = false): number[] {
  const sizes: number[] = [];
  for (let d = 0; d < shape.length; d++) {
    if (!dims.includes(d)) sizes.push(shape[d]);
    else if (keepdim) sizes.push(1);
  }
  return sizes;
}

/** What is before, in, and after the dimensions from `first` to `last`, as sizes (O,N,I). */
export function aroundDims(shape: Shape, first: number, last = first): [O: number, N: number, I: number] {
  // A scalar can be told its dimension 0, which is not there.
  const product = (from: number, to: number) => {
    let size = 1;
    for (let d = from; d < to && d < shape.length; d++) size *= shape[d];
    return size;
  };
  return [product(0, first), product(first, last + 1), product(last + 1, shape.length)];
}

/** The same values in another shape. */
export const look = (x: Tensor, shape: Shape): Tensor => enroll(x.backend.reshape(x, shape));

/**
 * What `use` makes of a look at x in another shape, looked at in the shape `as` afterwards; `use` gives a tensor of its
 * caller's, as kernels do.
 */
export function viewed(x: Tensor, shape: Shape, as: Shape, use: (x: Tensor) => Tensor): Tensor {
  const { backend } = x;
  return spend(backend.reshape(x, shape), (x) => spend(use(x), (y) => enroll(backend.reshape(y, as))));
}

/** The same of x as (O,N,I) about one dimension. */
export function along(x: Tensor, dim: number, as: Shape, use: (x: Tensor) => Tensor): Tensor {
  return viewed(x, aroundDims(x.shape, dim), as, use);
}

/** x with its dimensions in another order, copied. */
export function permuted(x: Tensor, order: readonly number[]): Tensor {
  const strides = stridesOf(x.shape);
  const attributes = {
    shape: order.map((d) => x.shape[d]),
    strides: order.map((d) => strides[d]),
    offset: 0,
  };
  return enroll(x.backend.run("strided", { x }, attributes).y);
}

/** x repeated to a shape that it broadcasts to. */
export function repeated(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return look(x, shape);
  const attributes = { shape, strides: broadcastStrides(x.shape, shape), offset: 0 };
  return enroll(x.backend.run("strided", { x }, attributes).y);
}

type Run = readonly [first: number, last: number];

/** Runs of consecutive dimensions: [0, 1, 3] is [0, 1] and [3]. */
function runsOf(dims: readonly number[]): Run[] {
  const runs: [number, number][] = [];
  for (const d of dims) {
    const run = runs.at(-1);
    if (run && run[1] === d - 1) run[1] = d;
    else runs.push([d, d]);
  }
  return runs;
}

/**
 * x reduced over these dimensions, ascending, in the shape without them: a run of consecutive ones at a time, the last one
 * first. What cannot be done in parts (variance) is done over them all at the end.
 */
export function reduced(
  x: Tensor,
  attributes: { readonly op: ReduceOp; readonly correction?: number },
  dims: readonly number[],
): Tensor {
  const reduce = (x: Tensor) => x.backend.run("reduce", { x }, attributes).y;
  const over = (x: Tensor, [first, last]: Run) =>
    viewed(x, aroundDims(x.shape, first, last), without(x.shape, range(first, last)), reduce);
  const runs = runsOf(dims);
  // Of no dimension, too: the variance of one value is not that value.
  if (runs.length === 0) return viewed(x, [x.size, 1, 1], x.shape, reduce);
  if (runs.length === 1) return over(x, runs[0]);
  return scope(() => {
    if (attributes.op !== "variance") return runs.reduceRight(over, x);
    const kept = x.shape.map((_, d) => d).filter((d) => !dims.includes(d));
    return over(permuted(x, [...kept, ...dims]), [kept.length, x.shape.length - 1]);
  });
}

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** The gradient of repeating: x summed to a shape that broadcasts to its own. x itself where it has that shape. */
export function summedTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const added = x.shape.length - shape.length;
  const dims = x.shape
    .map((_, d) => d)
    .filter((d) => d < added || (shape[d - added] === 1 && x.shape[d] !== 1));
  return scope(() => look(reduced(x, { op: "sum" }, dims), shape));
}
