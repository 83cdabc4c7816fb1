/** How operands are walked together: dimensions that all of them pass in one step become one (native/walk.h). */
import type { Shape } from "@normless/tensor";

/** Dimensions, the innermost first: of each its size, and of each operand its stride, in values. */
export interface Dims {
  readonly sizes: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/** Dimensions of size 1 vanish, and neighbours become one where no operand sees where one ends. */
export function merge(shape: Shape, strides: readonly (readonly number[])[]): Dims {
  const sizes: number[] = [];
  const merged: number[][] = strides.map(() => []);
  for (let d = shape.length - 1; d >= 0; d--) {
    const size = shape[d];
    if (size === 1) continue;
    const last = sizes.length - 1;
    if (last >= 0 && strides.every((own, i) => own[d] === merged[i][last] * sizes[last])) sizes[last] *= size;
    else {
      sizes.push(size);
      strides.forEach((own, i) => merged[i].push(own[d]));
    }
  }
  return { sizes, strides: merged };
}

/** Takes dimension `at` out and puts it first: the columns. */
export function withColumns({ sizes, strides }: Dims, at: number): Dims {
  const first = (values: readonly number[]) => [values[at], ...values.filter((_, d) => d !== at)];
  return { sizes: first(sizes), strides: strides.map(first) };
}

/** Without dimension `at`. */
export function without({ sizes, strides }: Dims, at: number): Dims {
  const rest = (values: readonly number[]) => values.filter((_, d) => d !== at);
  return { sizes: rest(sizes), strides: strides.map(rest) };
}

/** Kernels read it before they return, so one serves all calls. */
let given = new Float64Array(64);

/** A walk as C is given it: the dimensions, their sizes, the strides of each operand; the outermost first. */
export function stepsOf({ sizes, strides }: Dims): Float64Array {
  const dims = Math.max(sizes.length, 1);
  const length = 1 + dims * (1 + strides.length);
  if (given.length < length) given = new Float64Array(length);
  given[0] = dims;
  for (let d = 0; d < dims; d++) {
    // A walk has a column at least.
    const from = dims - 1 - d;
    given[1 + d] = sizes.length === 0 ? 1 : sizes[from];
    strides.forEach((own, i) => (given[1 + dims * (1 + i) + d] = own[from] ?? 0));
  }
  return given;
}

/** One row of `columns` values; of each operand its stride. */
export function lineOf(columns: number, strides: readonly number[]): Float64Array {
  given[0] = 1;
  given[1] = columns;
  strides.forEach((stride, i) => (given[2 + i] = stride));
  return given;
}
