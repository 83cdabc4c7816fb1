/** The head with the loss of distillation (native/kl-divergence.c). */
import { lastDim, rowsOf } from "@normless/tensor";
import { declare } from "../library.js";
import { flag, type Implementation, type Operand } from "./implementation.js";

const lossOf = declare(
  "int linear_kl_divergence(engine *e, float *loss, const float *x, const float *w, const float *bias, " +
    "const float *teacher_x, const float *teacher_w, const float *teacher_bias, int64_t N, int64_t C, " +
    "int64_t teacher_C, int64_t V, int add)",
);
const grad = declare(
  "int linear_kl_divergence_grad(engine *e, float *loss, float *dx, float *dw, float *dbias, const float *dloss, " +
    "const float *x, const float *w, const float *bias, const float *teacher_x, const float *teacher_w, " +
    "const float *teacher_bias, int64_t N, int64_t C, int64_t teacher_C, int64_t V, int add_loss, int add_dx, " +
    "int add_dw, int add_dbias)",
);

interface Heads {
  readonly x: Operand;
  readonly w: Operand;
  readonly bias?: Operand | undefined;
  readonly teacherX: Operand;
  readonly teacherW: Operand;
  readonly teacherBias?: Operand | undefined;
}

/** Both heads' addresses, then N, C, the teacher's C, V. */
function argumentsOf({ x, w, bias, teacherX, teacherW, teacherBias }: Heads): readonly number[] {
  const own = [x.pointer, w.pointer, bias?.pointer ?? 0];
  const teacher = [teacherX.pointer, teacherW.pointer, teacherBias?.pointer ?? 0];
  return [...own, ...teacher, rowsOf(x.shape), lastDim(x.shape), lastDim(teacherX.shape), w.shape[0]];
}

export const linearKlDivergence: Implementation<"linearKlDivergence"> = {
  accumulates: true,
  run(engine, heads, _attributes, { loss }) {
    engine.call(lossOf, loss.pointer, ...argumentsOf(heads), flag(loss.add));
  },
};

export const linearKlDivergenceGrad: Implementation<"linearKlDivergenceGrad"> = {
  accumulates: true,
  run(engine, { dloss, ...heads }, _attributes, { loss, dx, dw, dbias }) {
    const results = [loss, dx, dw, dbias];
    const adds = results.map(({ add }) => flag(add));
    const pointers = results.map(({ pointer }) => pointer);
    engine.call(grad, ...pointers, dloss.pointer, ...argumentsOf(heads), ...adds);
  },
};
