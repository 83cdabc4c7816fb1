/** The linear layer and its gradients: products of gemm.ts over a range of the weight's columns. */
import { type Columns, lastDim, rowsOf, type Shape } from "@normless/tensor";
import { zero } from "./elementwise.js";
import { product } from "./gemm.js";
import { flag, type Implementation, type Operand, unitsOf } from "./implementation.js";

/** The weight's part in force as a (K, width) matrix, stored by rows or by columns. */
function weight(w: Operand, columns: Columns | undefined, transposeW: boolean | undefined) {
  const [rows, stride] = w.shape as [number, number];
  const [K, M] = transposeW ? [stride, rows] : [rows, stride];
  const { begin, end } = columns ?? { begin: 0, end: M };
  const pointer = w.pointer + 4 * (transposeW ? begin * K : begin);
  return { K, width: end - begin, begin, stored: { pointer, stride } };
}

const rowsByLast = (shape: Shape) => [rowsOf(shape), lastDim(shape)] as const;

export const linear: Implementation<"linear"> = {
  accumulates: true,
  run(engine, { x, w, bias }, { columns, transposeW }, { y }) {
    const { K, width, begin, stored } = weight(w, columns, transposeW);
    // Written out: an object that begins with a spread takes longer to make than a small product.
    product(engine, {
      M: rowsOf(x.shape),
      N: width,
      K,
      add: y.add,
      a: { pointer: x.pointer, stride: K },
      b: { pointer: stored.pointer, stride: stored.stride, transposed: transposeW },
      c: { pointer: y.pointer, stride: width },
      bias: bias ? bias.pointer + 4 * begin : 0,
    });
  },
};

export const linearGradInput: Implementation<"linearGradInput"> = {
  accumulates: true,
  run(engine, { dy, w }, { columns, transposeW }, { dx }) {
    const { K, width, stored } = weight(w, columns, transposeW);
    product(engine, {
      M: rowsOf(dy.shape),
      N: K,
      K: width,
      add: dx.add,
      a: { pointer: dy.pointer, stride: width },
      b: { pointer: stored.pointer, stride: stored.stride, transposed: !transposeW },
      c: { pointer: dx.pointer, stride: K },
    });
  },
};

export const linearGradWeight: Implementation<"linearGradWeight"> = {
  accumulates: true,
  run(engine, { x, dy }, { columns, transposeW }, { dw }) {
    const [rows, K] = rowsByLast(x.shape);
    const width = lastDim(dy.shape);
    const begin = columns?.begin ?? 0;
    if (!dw.add && dw.size !== K * width) zero(engine, dw);
    const stride = dw.shape[1];
    if (transposeW) {
      product(engine, {
        M: width,
        N: K,
        K: rows,
        add: dw.add,
        a: { pointer: dy.pointer, stride: width, transposed: true },
        b: { pointer: x.pointer, stride: K },
        c: { pointer: dw.pointer + 4 * begin * K, stride },
      });
    } else {
      product(engine, {
        M: K,
        N: width,
        K: rows,
        add: dw.add,
        a: { pointer: x.pointer, stride: K, transposed: true },
        b: { pointer: dy.pointer, stride: width },
        c: { pointer: dw.pointer + 4 * begin, stride },
      });
    }
  },
};

/** Columns of a unit of columnSums (assembly/linear.ts). */
export const SUM_COLUMNS = 32;

export const linearGradBias: Implementation<"linearGradBias"> = {
  accumulates: true,
  run(engine, { dy }, { columns }, { dbias }) {
    const [rows, width] = rowsByLast(dy.shape);
    if (!dbias.add && dbias.size !== width) zero(engine, dbias);
    const to = dbias.pointer + 4 * (columns?.begin ?? 0);
    const ints = [dy.pointer, width, to, rows, width, flag(dbias.add)];
    engine.run("columnSums", unitsOf(width, SUM_COLUMNS), rows * width * 0.2, ints);
  },
};
