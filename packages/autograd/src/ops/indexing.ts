/** Values by their places, and patterns of places. An index outside is a BackendError; negative ones are, too. */
import { type Backend, type DType, enroll, scope, ShapeError, type Tensor } from "@normless/tensor";
import { apply, backendAmong, compose, constantBeside, type Result } from "../apply.js";
import { aroundDims, dimOf, look } from "../axes.js";
import { sendBack } from "../send-back.js";
import type { Value } from "../tape.js";
import { eq, ge, le, where } from "./binary.js";
import { unsqueeze } from "./shape.js";
import { cast } from "./unary.js";

/** Slices of x along `dim` by their places, index int32 (M). */
export function indexSelect<X extends Value>(given: X, dim: number, index: Tensor): Result<X> {
  return apply("indexSelect", [given], ([x], backend) => {
    const d = dimOf("indexSelect", dim, x.shape);
    const sizes = aroundDims(x.shape, d);
    const shape = x.shape.map((size, i) => (i === d ? index.size : size));
    const [O, N, I] = sizes;
    return {
      made: viewed(look(x, sizes), shape, (x) => backend.run("indexSelect", { x, index }, {}).y),
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

/** What `use` makes of a look at a tensor, which it frees, in another shape. */
function viewed(of: Tensor, shape: readonly number[], use: (of: Tensor) => Tensor): [Tensor, Tensor] {
  const y = use(of);
  of.free();
  return [look(y, shape), y];
}

/** The sizes (O,N,I) of x cut to what an index of `shape` reaches beside `dim`, as PyTorch has it. @throws ShapeError */
function checkIndex(op: string, x: Tensor, index: Tensor, d: number): void {
  const fits =
    index.shape.length === x.shape.length && index.shape.every((size, i) => i === d || size === x.shape[i]);
  if (fits) return;
  throw new ShapeError(
    op,
    `beside dimension ${d} the index has x's sizes`,
    { x: x.shape, index: index.shape },
    "See slice.",
  );
}

/** One value for each of index int32, of x's shape but for `dim`: y[i][j] = x[index[i][j]][j] along the first of two dimensions. */
export function gather<X extends Value>(given: X, dim: number, index: Tensor): Result<X> {
  return apply("gather", [given], ([x], backend) => {
    const d = dimOf("gather", dim, x.shape);
    checkIndex("gather", x, index, d);
    const [sizes, places] = [aroundDims(x.shape, d), aroundDims(index.shape, d)];
    const at = look(index, places);
    const [y, all] = viewed(
      look(x, sizes),
      index.shape,
      (x) => backend.run("gather", { x, index: at }, {}).y,
    );
    return {
      made: [y, all, at],
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

/** x, to which each value of `source` is added at the place along `dim` that index int32, of its shape, says. */
export function scatterAdd<X extends Value, S extends Value>(
  given: X,
  dim: number,
  { index, source }: { readonly index: Tensor; readonly source: S },
): Result<X, S> {
  return apply("scatterAdd", [given, source], ([x, source], backend) => {
    const d = dimOf("scatterAdd", dim, x.shape);
    checkIndex("scatterAdd", x, index, d);
    checkIndex("scatterAdd", source, index, d);
    if (source.shape[d] !== index.shape[d]) {
      throw new ShapeError("scatterAdd", "there is one index a value", {
        source: source.shape,
        index: index.shape,
      });
    }
    const [sizes, places] = [aroundDims(x.shape, d), aroundDims(index.shape, d)];
    const at = look(index, places);
    const [sum, all] = viewed(
      look(source, places),
      x.shape,
      (x) => backend.run("scatterAdd", { x, index: at }, { N: sizes[1] }).y,
    );
    const { y } = backend.run("binary", { a: x, b: sum }, { op: "add" });
    sum.free();
    all.free();
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

/** ids int32 (...) → (...,classes) float32: 1 at each id, 0 elsewhere; of an id outside all 0. */
export function oneHot(ids: Tensor, classes: number): Tensor {
  return scope(() => cast(eq(unsqueeze(ids, -1), arange(ids.backend, classes)), "float32"));
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
