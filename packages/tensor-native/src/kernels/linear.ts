/** The linear layer and its gradients, over a range of the weight's columns (native/linear.c). */
import { bytesOf, type Columns, lastDim, rowsOf } from "@normless/tensor";
import { declare } from "../library.js";
import { zero } from "./elementwise.js";
import { flag, type Implementation, type Operand } from "./implementation.js";

const linearOf = declare(
  "int linear(engine *e, float *y, const float *x, const kept *w, const float *bias, int64_t rows, int64_t K, " +
    "int64_t width, int64_t stride, int transpose, int half, int add)",
);
const gradInput = declare(
  "int linear_grad_input(engine *e, float *dx, const float *dy, const float *w, int64_t rows, int64_t K, " +
    "int64_t width, int64_t stride, int transpose, int add)",
);
const gradWeight = declare(
  "int linear_grad_weight(engine *e, float *dw, const float *x, const float *dy, int64_t rows, int64_t K, " +
    "int64_t width, int64_t stride, int transpose, int add)",
);
const gradBias = declare(
  "int linear_grad_bias(engine *e, float *out, const float *x, int64_t rows, int64_t columns, int add)",
);

/** The weight's part in force: where it begins, K, how many outputs, floats from one stored row to the next. */
function weight(w: Operand, columns: Columns | undefined, transposeW: boolean | undefined) {
  const [rows, stride] = w.shape as [number, number];
  const [K, M] = transposeW ? [stride, rows] : [rows, stride];
  const { begin, end } = columns ?? { begin: 0, end: M };
  return {
    pointer: w.pointer + bytesOf(w.dtype) * begin * (transposeW ? K : 1),
    K,
    begin,
    width: end - begin,
    stride,
  };
}

export const linear: Implementation<"linear"> = {
  accumulates: true,
  run(engine, { x, w, bias }, { columns, transposeW }, { y }) {
    const { pointer, K, begin, width, stride } = weight(w, columns, transposeW);
    const [from, rows] = [bias ? bias.pointer + 4 * begin : 0, rowsOf(x.shape)];
    const [transpose, half, add] = [flag(transposeW), flag(w.dtype === "bfloat16"), flag(y.add)];
    engine.call(linearOf, y.pointer, x.pointer, pointer, from, rows, K, width, stride, transpose, half, add);
  },
};

export const linearGradInput: Implementation<"linearGradInput"> = {
  accumulates: true,
  run(engine, { dy, w }, { columns, transposeW }, { dx }) {
    const { pointer, K, width, stride } = weight(w, columns, transposeW);
    const [rows, transpose, add] = [rowsOf(dy.shape), flag(transposeW), flag(dx.add)];
    engine.call(gradInput, dx.pointer, dy.pointer, pointer, rows, K, width, stride, transpose, add);
  },
};

export const linearGradWeight: Implementation<"linearGradWeight"> = {
  accumulates: true,
  run(engine, { x, dy }, { columns, transposeW }, { dw }) {
    const [rows, width] = [rowsOf(dy.shape), lastDim(dy.shape)];
    const { pointer, K, stride } = weight(dw, columns, transposeW);
    if (!dw.add && dw.size !== K * width) zero(engine, dw);
    const [transpose, add] = [flag(transposeW), flag(dw.add)];
    engine.call(gradWeight, pointer, x.pointer, dy.pointer, rows, K, width, stride, transpose, add);
  },
};

export const linearGradBias: Implementation<"linearGradBias"> = {
  accumulates: true,
  run(engine, { dy }, { columns }, { dbias }) {
    const [rows, width] = [rowsOf(dy.shape), lastDim(dy.shape)];
    if (!dbias.add && dbias.size !== width) zero(engine, dbias);
    const to = dbias.pointer + 4 * (columns?.begin ?? 0);
    engine.call(gradBias, to, dy.pointer, rows, width, flag(dbias.add));
  },
};
