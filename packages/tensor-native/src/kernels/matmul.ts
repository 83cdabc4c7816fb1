/** Products of stacks of matrices (native/matmul.c). */
import { declare } from "../library.js";
import { flag, type Implementation } from "./implementation.js";

const matmulOf = declare(
  "int matmul(engine *e, float *y, const float *a, const float *b, int64_t G, int64_t M, int64_t N, int64_t K, " +
    "int64_t step_a, int64_t step_b, int transpose_a, int transpose_b, int add)",
);

export const matmul: Implementation<"matmul"> = {
  accumulates: true,
  run(engine, { a, b }, { transposeA, transposeB }, { y }) {
    const [G, M, N] = y.shape as [number, number, number];
    const K = a.shape[transposeA ? 1 : 2];
    const [stepA, stepB] = [a.shape[0] === 1 ? 0 : M * K, b.shape[0] === 1 ? 0 : K * N];
    const [fromA, fromB] = [flag(transposeA), flag(transposeB)];
    engine.call(matmulOf, y.pointer, a.pointer, b.pointer, G, M, N, K, stepA, stepB, fromA, fromB, flag(y.add));
  },
};
