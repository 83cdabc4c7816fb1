/** The head with the loss of distillation, in chunks of rows: neither model's (rows,V) logits are ever whole. */
import { lastDim, rowsOf } from "@normless/tensor";
import { BLOCK, headGradients, logitsOf, overRows, TILE, wholeRows } from "./head.js";
import { CHUNK, type Implementation, unitsOf } from "./implementation.js";

export const linearKlDivergence: Implementation<"linearKlDivergence"> = {
  alone: true,
  accumulates: true,
  run(engine, { dloss, x, w, bias, teacherX, teacherW, teacherBias }, _attributes, { loss, dx, dw, dbias }) {
    const N = rowsOf(x.shape);
    const V = w.shape[0];
    const { ld, most } = wholeRows(N, V);
    // One piece: a second one of this size would outgrow the first, and both would be held.
    const logits = engine.scratch(2 * most * ld * 4);
    const teacher = logits + most * ld * 4;
    const perThread = TILE * 4;
    const tile = engine.scratch(perThread * engine.threads);
    const losses = loss.add ? engine.scratch(most * 4) : 0;
    overRows(N, most, (row, rows) => {
      const rowsAt = (pointer: number, width: number) => pointer + row * width * 4;
      const own = { x: rowsAt(x.pointer, lastDim(x.shape)), rows, w, bias };
      logitsOf(engine, own, logits, ld);
      const teacherRows = rowsAt(teacherX.pointer, lastDim(teacherX.shape));
      logitsOf(engine, { x: teacherRows, rows, w: teacherW, bias: teacherBias }, teacher, ld);
      const lossAt = rowsAt(loss.pointer, 1);
      engine.run("klDivergence", unitsOf(rows, BLOCK), rows * V * 4, [
        ...[logits, teacher, ld, rows, V, rowsAt(dloss.pointer, 1), losses || lossAt, tile, perThread],
      ]);
      if (losses) engine.run("add", unitsOf(rows, CHUNK), rows * 0.3, [lossAt, losses, lossAt, rows]);
      headGradients(engine, own, { dlogits: logits, ld, row }, { dx, dw, dbias });
    });
  },
};
