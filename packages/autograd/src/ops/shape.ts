/** The same values in another shape or order, parts of them, and parts put together. Of any kind. */
import {
  type Backend,
  broadcastShapes,
  type Shape,
  sameShape,
  ShapeError,
  sizeOf,
  stridesOf,
  type Tensor,
} from "@normless/tensor";
import { apply, compose, type Computed, type Result } from "../apply.js";
import { type Dims, dimOf, dimsOf, look, permuted, repeated, without } from "../axes.js";
import { sendBack } from "../send-back.js";
import type { Value } from "../tape.js";

/** x in a shape of as many values; one size may be −1, which becomes what is left. It copies nothing. */
export function reshape<X extends Value>(given: X, shape: Shape): Result<X> {
  return apply("reshape", [given], ([x]) => ({
    made: [look(x, completed(x.shape, shape))],
    backward: (dy, gradients, [xv], output) =>
      sendBack(dy, gradients, output, [[xv, () => look(dy, x.shape)]]),
  }));
}

function completed(from: Shape, shape: Shape): Shape {
  const open = shape.indexOf(-1);
  if (open < 0) return shape;
  const rest = sizeOf(shape.filter((_, d) => d !== open));
  const size = sizeOf(from) / rest;
  if (Number.isInteger(size)) return shape.map((given, d) => (d === open ? size : given));
  throw new ShapeError("reshape", `no size in place of −1 makes it ${sizeOf(from)} values`, {
    x: from,
    shape,
  });
}

/** The dimensions of x in the order `dims`: (2,3,5) by [2, 0, 1] is (5,2,3). @throws ShapeError where one is missing or twice */
export function permute<X extends Value>(given: X, dims: readonly number[]): Result<X> {
  return apply("permute", [given], ([x]) => {
    const order = dims.map((d) => dimOf("permute", d, x.shape));
    if (new Set(order).size !== x.shape.length || order.length !== x.shape.length) {
      throw new ShapeError("permute", `dimensions ${dims.join(",")} are not all of x's, once each`, {
        x: x.shape,
      });
    }
    const back = order.map((_, d) => order.indexOf(d));
    return {
      made: [permuted(x, order)],
      backward: (dy, gradients, [xv], output) =>
        sendBack(dy, gradients, output, [[xv, () => permuted(dy, back)]]),
    };
  });
}

/** x with two dimensions changing places. */
export function transpose<X extends Value>(x: X, dim0: number, dim1: number): Result<X> {
  const order = x.shape.map((_, d) => d);
  const [a, b] = [dimOf("transpose", dim0, x.shape), dimOf("transpose", dim1, x.shape)];
  if (order.length > 0) [order[a], order[b]] = [b, a];
  return permute(x, order);
}

/** x repeated to a shape that it broadcasts to; −1 keeps a size. A copy. @throws ShapeError where it does not */
export function expand<X extends Value>(given: X, shape: Shape): Result<X> {
  return apply("expand", [given], ([x]) => {
    const added = shape.length - x.shape.length;
    const to = shape.map((size, d) => (size === -1 && d >= added ? x.shape[d - added] : size));
    if (added < 0 || !sameShape(broadcastShapes("expand", { x: x.shape, shape: to }), to)) {
      throw new ShapeError("expand", "x does not broadcast to this shape", { x: x.shape, shape: to });
    }
    return {
      made: [repeated(x, to)],
      backward: (dy, gradients, [xv], output) => sendBack(dy, gradients, output, [[xv, () => dy]]),
    };
  });
}

/** x without these dimensions where their size is 1; without any such, unless named. */
export function squeeze<X extends Value>(x: X, dim?: Dims): Result<X> {
  const dims = dimsOf("squeeze", dim, x.shape).filter((d) => x.shape[d] === 1);
  return reshape(x, without(x.shape, dims));
}

/** x with a dimension of size 1 more, at `dim` of the result. */
export function unsqueeze<X extends Value>(x: X, dim: number): Result<X> {
  const at = dimOf("unsqueeze", dim, [...x.shape, 1]);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/** From where, to before where, in which steps, as in NumPy: negative ends count from the end, what is outside is cut off. */
export interface SliceOptions {
  readonly start?: number;
  readonly end?: number;
  /** Negative steps go backwards, from the end unless `start` is given. Not 0. */
  readonly step?: number;
}

/** The places of a slice: the first, and how many. */
function rangeOf(N: number, { start, end, step = 1 }: SliceOptions): readonly [first: number, count: number] {
  const within = (place: number, low: number, high: number) =>
    Math.min(Math.max(place < 0 ? place + N : place, low), high);
  const first = step > 0 ? within(start ?? 0, 0, N) : within(start ?? N - 1, -1, N - 1);
  const last = step > 0 ? within(end ?? N, 0, N) : end === undefined ? -1 : within(end, -1, N - 1);
  return [first, Math.max(0, Math.ceil((last - first) / step))];
}

/** Every `step`th value of x along `dim` from `start` to before `end`. */
export function slice<X extends Value>(given: X, dim: number, options: SliceOptions = {}): Result<X> {
  const { step = 1 } = options;
  return apply("slice", [given], ([x], backend) => {
    const d = dimOf("slice", dim, x.shape);
    if (x.shape.length === 0 || !Number.isInteger(step) || step === 0) {
      throw new ShapeError(
        "slice",
        `a step of ${step} along dimension ${dim}`,
        { x: x.shape },
        "Steps are whole, not 0.",
      );
    }
    const [first, count] = rangeOf(x.shape[d], options);
    const shape = x.shape.map((size, i) => (i === d ? count : size));
    const own = stridesOf(x.shape);
    const walk = {
      strides: own.map((stride, i) => (i === d ? stride * step : stride)),
      offset: count > 0 ? first * own[d] : 0,
    };
    return {
      made: [backend.run("strided", { x }, { shape, ...walk }).y],
      backward: (dy, gradients, [xv], output) =>
        sendBack(dy, gradients, output, [[xv, () => placed(dy, x.shape, walk)]]),
    };
  });
}

/** Zeros, or another value, in which x has its places; a tensor of the caller's. */
export function placed(
  x: Tensor,
  shape: Shape,
  walk: { readonly strides: readonly number[]; readonly offset: number },
  value = 0,
): Tensor {
  const { backend, dtype } = x;
  const { y } = backend.run("full", {}, { shape, value, dtype });
  backend.run("assign", { y, x }, walk);
  return y;
}

/** x along `dim` backwards, for each of the dimensions. */
export function flip<X extends Value>(given: X, dims: Dims): Result<X> {
  return apply("flip", [given], ([x], backend) => {
    const flipped = dimsOf("flip", dims, x.shape);
    const own = stridesOf(x.shape);
    const strides = own.map((stride, d) => (flipped.includes(d) ? -stride : stride));
    const offset = x.size === 0 ? 0 : flipped.reduce((sum, d) => sum + (x.shape[d] - 1) * own[d], 0);
    const run = (x: Tensor) => backend.run("strided", { x }, { shape: x.shape, strides, offset }).y;
    return {
      made: [run(x)],
      backward: (dy, gradients, [xv], output) => sendBack(dy, gradients, output, [[xv, () => run(dy)]]),
    };
  });
}

/** Values one after the other along `dim`. Their other sizes are equal, and so are their kinds. */
export function concat<X extends Value>(list: readonly X[], dim = 0): Result<X> {
  return apply("concat", list, (tensors, backend) => {
    const all = tensors as readonly Tensor[];
    const [first] = all;
    const d = dimOf("concat", dim, first.shape);
    const fits = ({ shape, dtype }: Tensor) =>
      dtype === first.dtype &&
      shape.length === first.shape.length &&
      shape.every((size, i) => i === d || size === first.shape[i]);
    const odd = all.findIndex((x) => !fits(x));
    if (odd > 0 || first.shape.length === 0) {
      const other = all[Math.max(odd, 0)];
      throw new ShapeError(
        "concat",
        `of dimension ${dim} alone sizes may differ, and kinds are one (${first.dtype}, ${other.dtype})`,
        { "list[0]": first.shape, [`list[${Math.max(odd, 0)}]`]: other.shape },
      );
    }
    const size = all.reduce((sum, { shape }) => sum + shape[d], 0);
    const shape = first.shape.map((given, i) => (i === d ? size : given));
    const strides = stridesOf(shape);
    return joined(backend, all, shape, { strides, sizes: all.map((x) => x.shape[d] * strides[d]) });
  });
}

/** Tensors in one of `shape`, where each is walked with the same strides and begins `sizes` values behind the one before. */
function joined(
  backend: Backend,
  all: readonly Tensor[],
  shape: Shape,
  { strides, sizes }: { readonly strides: readonly number[]; readonly sizes: readonly number[] },
): Computed<readonly Value[]> {
  const { y } = backend.run("full", {}, { shape, dtype: all[0].dtype });
  let at = 0;
  const offsets = all.map((x, i) => {
    const offset = x.size > 0 ? at : 0;
    if (x.size > 0) backend.run("assign", { y, x }, { strides, offset });
    at += sizes[i];
    return offset;
  });
  return {
    made: [y],
    backward: (dy, gradients, operands, output) => {
      const part = (i: number) => () =>
        backend.run("strided", { x: dy }, { shape: all[i].shape, strides, offset: offsets[i] }).y;
      sendBack(
        dy,
        gradients,
        output,
        all.map((_, i) => [operands[i], part(i)] as const),
      );
    },
  };
}

/** Values of one shape side by side along a new dimension, at `dim` of the result. */
export function stack<X extends Value>(list: readonly X[], dim = 0): Result<X> {
  return apply("stack", list, (tensors, backend) => {
    const all = tensors as readonly Tensor[];
    const [first] = all;
    const odd = all.find((x) => x.dtype !== first.dtype || !sameShape(x.shape, first.shape));
    if (odd) {
      const shapes = { "list[0]": first.shape, other: odd.shape };
      throw new ShapeError("stack", `sizes and kinds are one (${first.dtype}, ${odd.dtype})`, shapes);
    }
    const d = dimOf("stack", dim, [...first.shape, 1]);
    const shape = [...first.shape.slice(0, d), all.length, ...first.shape.slice(d)];
    const strides = stridesOf(shape);
    const [apart] = strides.splice(d, 1);
    return joined(backend, all, shape, { strides, sizes: all.map(() => apart) });
  });
}

/** x in pieces along `dim`: of `sizes` each, the last one maybe smaller, or of each of the sizes. @throws ShapeError where those do not add up */
export function split<X extends Value>(x: X, sizes: number | readonly number[], dim = 0): Result<X>[] {
  const N = x.shape[dimOf("split", dim, x.shape)];
  if (typeof sizes === "number" && !(sizes > 0)) {
    throw new ShapeError("split", `pieces of ${sizes}`, { x: x.shape }, "They have at least one value.");
  }
  const each =
    typeof sizes === "number"
      ? Array.from({ length: Math.max(Math.ceil(N / sizes), 1) }, (_, i) => Math.min(sizes, N - i * sizes))
      : sizes;
  if (each.reduce((sum, size) => sum + size, 0) !== N) {
    throw new ShapeError("split", `sizes ${each.join(",")} do not add up to ${N}`, { x: x.shape });
  }
  let at = 0;
  return each.map((size) => slice(x, dim, { start: at, end: (at += size) }));
}

/** x moved on by `shift` along `dim`; what leaves at the end comes in at the beginning. Without `dim`, row-major. @throws ShapeError */
export function roll<X extends Value>(
  given: X,
  shifts: number | readonly number[],
  dims?: number | readonly number[],
): Result<X> {
  const by = [shifts].flat();
  if (dims === undefined) {
    return compose("roll", [given], (x) => reshape(roll(reshape(x, [-1]), by[0], 0), x.shape));
  }
  const along = [dims].flat();
  if (along.length !== by.length) {
    throw new ShapeError("roll", `${by.length} shifts for ${along.length} dimensions`, { x: given.shape });
  }
  return compose("roll", [given], (x) =>
    along.reduce<Value>((x, dim, i) => {
      const N = x.shape[dimOf("roll", dim, x.shape)];
      if (N === 0) return x;
      const at = ((-by[i] % N) + N) % N;
      return at === 0 ? x : concat([slice(x, dim, { start: at }), slice(x, dim, { end: at })], dim);
    }, x),
  );
}
