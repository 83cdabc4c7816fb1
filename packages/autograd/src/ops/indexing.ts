/** Values by their places, and patterns of places. An index outside is a BackendError; negative ones are, too. */
import {
  type Backend,
  type DType,
  enroll,
  scope,
  type Shape,
  ShapeError,
  type Tensor,
  zeros,
} from "@normless/tensor";
import { apply, backendAmong, compose, constantBeside, type Result } from "../apply.js";
import { aroundDims, dimOf, look, viewed } from "../axes.js";
import { sendBack } from "../send-back.js";
import { spend } from "../spend.js";
import type { Value } from "../tape.js";
import { add, ge, le, where } from "./binary.js";
import { pad } from "./pad.js";
import { slice, unsqueeze } from "./shape.js";

/** Slices of x along `dim` by their places, index int32 (M). */
export function indexSelect<X extends Value>(given: X, dim: number, index: Tensor): Result<X> {
  return apply("indexSelect", [given], ([x], backend) => {
    const d = dimOf("indexSelect", dim, x.shape);
    const sizes = aroundDims(x.shape, d);
    const shape = x.shape.map((size, i) => (i === d ? index.size : size));
    const [O, N, I] = sizes;
    return {
      made: [viewed(x, sizes, shape, (x) => backend.run("indexSelect", { x, index }, {}).y)],
      backward: (dy, gradients, [xv], output) =>
        sendBack(dy, gradients, output, [
          [
            xv,
            () =>
              look(
                enroll(backend.run("indexAdd", { x: look(dy, [O, index.size, I]), index }, { N }).y),
                x.shape,
              ),
          ],
        ]),
    };
  });
}

/** x's part that is of `shape`, but for dimension `d`: the first values along each. @throws ShapeError where x has no such part */
function corner(op: string, x: Value, shape: Shape, d?: number): Value {
  if (shape.length !== x.shape.length || shape.some((size, i) => i !== d && size > x.shape[i])) {
    const problem = `the index has as many dimensions as x, and beside dimension ${d} no larger ones`;
    throw new ShapeError(op, problem, { x: x.shape, index: shape });
  }
  return shape.reduce((x, size, i) => (i === d || size === x.shape[i] ? x : slice(x, i, { end: size })), x);
}

/**
 * One value for each of index int32: y[i][j] = x[index[i][j]][j] along the first of two dimensions. Beside `dim` the index may
 * have fewer places than x.
 * @throws ShapeError where it has more
 */
export function gather<X extends Value>(given: X, dim: number, index: Tensor): Result<X> {
  const d = dimOf("gather", dim, given.shape);
  return compose("gather", [given], (x) => taken(corner("gather", x, index.shape, d), d, index));
}

function taken(given: Value, d: number, index: Tensor): Value {
  return apply<readonly [Value], Value>("gather", [given], ([x], backend) => {
    const [sizes, places] = [aroundDims(x.shape, d), aroundDims(index.shape, d)];
    const at = look(index, places);
    const y = viewed(x, sizes, index.shape, (x) => backend.run("gather", { x, index: at }, {}).y);
    return {
      made: [y, at],
      backward: (dy, gradients, [xv], output) =>
        sendBack(dy, gradients, output, [
          [
            xv,
            () =>
              look(
                enroll(backend.run("scatterAdd", { x: look(dy, places), index: at }, { N: sizes[1] }).y),
                x.shape,
              ),
          ],
        ]),
    };
  });
}

/**
 * x, to which a value of `source` for each of index int32 is added at the place along `dim` that it says. The index may have
 * fewer places than the source, and beside `dim` than x.
 * @throws ShapeError where it has more
 */
export function scatterAdd<X extends Value, S extends Value>(
  given: X,
  dim: number,
  { index, source }: { readonly index: Tensor; readonly source: S },
): Result<X, S> {
  const d = dimOf("scatterAdd", dim, given.shape);
  return compose("scatterAdd", [given, source], (x, source) => {
    const values = corner("scatterAdd", source, index.shape);
    const part = corner("scatterAdd", x, index.shape, d);
    if (part === x) return added(x, d, { index, source: values });
    const outside = x.shape.flatMap((size, i) => [size - part.shape[i], 0]).reverse();
    const nothing = constantBeside(x, zeros(backendAmong("scatterAdd", [x]), part.shape, x.dtype));
    return add(x, pad(added(nothing, d, { index, source: values }), outside));
  });
}

function added(
  given: Value,
  d: number,
  { index, source }: { readonly index: Tensor; readonly source: Value },
): Value {
  return apply<readonly [Value, Value], Value>("scatterAdd", [given, source], ([x, source], backend) => {
    const [sizes, places] = [aroundDims(x.shape, d), aroundDims(index.shape, d)];
    const at = look(index, places);
    const run = (x: Tensor) => backend.run("scatterAdd", { x, index: at }, { N: sizes[1] }).y;
    const { y } = spend(viewed(source, places, x.shape, run), (b) =>
      backend.run("binary", { a: x, b }, { op: "add" }),
    );
    return {
      made: [y, at],
      backward: (dy, gradients, [xv, sv], output) =>
        sendBack(dy, gradients, output, [
          [xv, () => dy],
          [
            sv,
            () => look(enroll(backend.run("gather", { x: look(dy, sizes), index: at }, {}).y), source.shape),
          ],
        ]),
    };
  });
}

/** start, start + step, … to before `end`, int32 where all three are whole, else float32; of this kind where one is named. */
export function arange(
  backend: Backend,
  end: number,
  {
    start = 0,
    step = 1,
    dtype,
  }: { readonly start?: number; readonly step?: number; readonly dtype?: DType } = {},
): Tensor {
  const whole = [start, end, step].every(Number.isInteger);
  const size = Math.max(Math.ceil((end - start) / step), 0);
  return enroll(
    backend.run("range", {}, { size, start, step, dtype: dtype ?? (whole ? "int32" : "float32") }).y,
  );
}

/** ids int32 (...) → (...,classes) int32: 1 at each id, 0 elsewhere. See cast for a product with it. */
export function oneHot(ids: Tensor, classes: number): Tensor {
  return scope(() => {
    const each = [ids.size, 1, 1];
    const x = enroll(ids.backend.run("full", {}, { shape: each, value: 1, dtype: "int32" }).y);
    const { y } = ids.backend.run("scatterAdd", { x, index: look(ids, each) }, { N: classes });
    return look(enroll(y), [...ids.shape, classes]);
  });
}

function triangle<X extends Value>(op: string, given: X, diagonal: number, keep: typeof le): Result<X> {
  if (given.shape.length < 2)
    throw new ShapeError(op, "x is a matrix, or a stack of them", { x: given.shape });
  return compose(op, [given], (x) => {
    const [R, C] = x.shape.slice(-2);
    const backend = backendAmong(op, [x]);
    const rows = constantBeside(x, arange(backend, R + diagonal, { start: diagonal }));
    const columns = constantBeside(x, arange(backend, C));
    return where(keep(columns, unsqueeze(rows, 1)), x, 0);
  });
}

/** x (...,R,C) with 0 above the diagonal, or above one so many further up. */
export const tril = <X extends Value>(x: X, diagonal = 0): Result<X> => triangle("tril", x, diagonal, le);
/** x (...,R,C) with 0 below the diagonal, or below one so many further up. */
export const triu = <X extends Value>(x: X, diagonal = 0): Result<X> => triangle("triu", x, diagonal, ge);
