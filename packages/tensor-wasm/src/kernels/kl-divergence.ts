/** The head with the loss of distillation, in chunks of rows: neither model's (rows,V) logits are ever whole. */
import { lastDim, rowsOf } from "@normless/tensor";
import { BLOCK, headGradients, type HeadRows, logitsOf, overRows, TILE, wholeRows } from "./head.js";
import type { Engine } from "../engine.js";
import { CHUNK, type Implementation, type Operand, type Result, unitsOf } from "./implementation.js";

interface Heads {
  readonly x: Operand;
  readonly w: Operand;
  readonly bias?: Operand | undefined;
  readonly teacherX: Operand;
  readonly teacherW: Operand;
  readonly teacherBias?: Operand | undefined;
}

/** Some rows of the own head whose gradients in the logits, rows of `ld` floats, are made. */
type Use = (
  own: HeadRows,
  gradient: { readonly dlogits: number; readonly ld: number; readonly row: number },
) => void;

/**
 * The losses, and what `use` makes of each chunk's gradients. There always are some, in the place of the logits: the
 * products that they go into are what costs. Without `dloss` they mean nothing.
 */
function divergences(
  engine: Engine,
  { x, w, bias, teacherX, teacherW, teacherBias }: Heads,
  { loss, dloss }: { readonly loss: Result; readonly dloss?: Operand },
  use: Use = () => undefined,
): void {
  const N = rowsOf(x.shape);
  const V = w.shape[0];
  const { ld, most } = wholeRows(N, V);
  // One piece: a second one of this size would outgrow the first, and both would be held.
  const logits = engine.scratch(2 * most * ld * 4);
  const teacher = logits + most * ld * 4;
  const perThread = TILE * 4;
  const tile = engine.scratch(perThread * engine.threads);
  const losses = loss.add ? engine.scratch(most * 4) : 0;
  const weights = dloss ? 0 : engine.scratch(most * 4);
  overRows(N, most, (row, rows) => {
    const rowsAt = (pointer: number, width: number) => pointer + row * width * 4;
    const own = { x: rowsAt(x.pointer, lastDim(x.shape)), rows, w, bias };
    logitsOf(engine, own, logits, ld);
    const teacherRows = rowsAt(teacherX.pointer, lastDim(teacherX.shape));
    logitsOf(engine, { x: teacherRows, rows, w: teacherW, bias: teacherBias }, teacher, ld);
    const lossAt = rowsAt(loss.pointer, 1);
    const dlossAt = dloss ? rowsAt(dloss.pointer, 1) : weights;
    engine.run("klDivergence", unitsOf(rows, BLOCK), rows * V * 4, [
      ...[logits, teacher, ld, rows, V, dlossAt, losses || lossAt, tile, perThread],
    ]);
    if (losses) engine.run("add", unitsOf(rows, CHUNK), rows * 0.3, [lossAt, losses, lossAt, rows]);
    use(own, { dlogits: logits, ld, row });
  });
}

export const linearKlDivergence: Implementation<"linearKlDivergence"> = {
  alone: true,
  accumulates: true,
  run(engine, heads, _attributes, { loss }) {
    divergences(engine, heads, { loss });
  },
};

export const linearKlDivergenceGrad: Implementation<"linearKlDivergenceGrad"> = {
  alone: true,
  accumulates: true,
  run(engine, { dloss, ...heads }, _attributes, { loss, dx, dw, dbias }) {
    divergences(engine, heads, { loss, dloss }, (own, gradient) => {
      headGradients(engine, own, gradient, { dx, dw, dbias });
    });
  },
};
