/** The head and its loss: no (rows,V) matrix is ever whole (native/cross-entropy.c). */
import { rowsOf } from "@normless/tensor";
import { declare } from "../library.js";
import { checkIds } from "./checks.js";
import { flag, type Implementation } from "./implementation.js";

const lossOf = declare(
  "int linear_cross_entropy(engine *e, float *loss, const float *x, const float *w, const float *bias, " +
    "const int32_t *targets, int64_t N, int64_t C, int64_t V, int add)",
);
const grad = declare(
  "int linear_cross_entropy_grad(engine *e, float *loss, float *dx, float *dw, float *dbias, const float *dloss, " +
    "const float *x, const float *w, const float *bias, const int32_t *targets, int64_t N, int64_t C, int64_t V, " +
    "int add_loss, int add_dx, int add_dw, int add_dbias)",
);

export const linearCrossEntropy: Implementation<"linearCrossEntropy"> = {
  accumulates: true,
  check: (engine, { w, targets }) => checkIds(engine, "linearCrossEntropy", "targets", targets, w.shape[0]),
  run(engine, { x, w, bias, targets }, _attributes, { loss }) {
    const [V, C] = w.shape as [number, number];
    const [pointers, N] = [[x.pointer, w.pointer, bias?.pointer ?? 0, targets.pointer], rowsOf(x.shape)];
    engine.call(lossOf, loss.pointer, ...pointers, N, C, V, flag(loss.add));
  },
};

export const linearCrossEntropyGrad: Implementation<"linearCrossEntropyGrad"> = {
  accumulates: true,
  check: (engine, { w, targets }) =>
    checkIds(engine, "linearCrossEntropyGrad", "targets", targets, w.shape[0]),
  run(engine, { dloss, x, w, bias, targets }, _attributes, { loss, dx, dw, dbias }) {
    const [V, C] = w.shape as [number, number];
    const results = [loss, dx, dw, dbias];
    const pointers = [dloss.pointer, x.pointer, w.pointer, bias?.pointer ?? 0, targets.pointer];
    const adds = results.map(({ add }) => flag(add));
    engine.call(grad, ...results.map(({ pointer }) => pointer), ...pointers, rowsOf(x.shape), C, V, ...adds);
  },
};
