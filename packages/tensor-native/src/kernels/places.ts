/** Values by their places along N of (O,N,I), and the gradients, which add to those places (native/places.c). */
import type { Engine } from "../engine.js";
import { declare, type Prototype } from "../library.js";
import { checkIds } from "./checks.js";
import { flag, type Implementation, type Operand, type Result } from "./implementation.js";

const select = declare(
  "int index_select(engine *e, int32_t *y, const int32_t *x, const int32_t *index, int64_t O, int64_t N, int64_t I, " +
    "int64_t M)",
);
const gatherOf = declare(
  "int gather(engine *e, int32_t *y, const int32_t *x, const int32_t *index, int64_t O, int64_t N, int64_t I, " +
    "int64_t M)",
);
const indexAddOf = declare(
  "int index_add(engine *e, int32_t *y, const int32_t *x, const int32_t *index, int64_t O, int64_t N, int64_t I, " +
    "int64_t M, int whole, int add)",
);
const scatterAddOf = declare(
  "int scatter_add(engine *e, int32_t *y, const int32_t *x, const int32_t *index, int64_t O, int64_t N, int64_t I, " +
    "int64_t M, int whole, int add)",
);

/** y (O,M,I) of x (O,N,I). */
function take(engine: Engine, kernel: Prototype, y: Operand, x: Operand, index: Operand): void {
  const [O, N, I] = x.shape as readonly [number, number, number];
  engine.call(kernel, y.pointer, x.pointer, index.pointer, O, N, I, y.shape[1]);
}

/** y (O,N,I) of x (O,M,I). */
function add(engine: Engine, kernel: Prototype, y: Result, x: Operand, index: Operand): void {
  const [O, M, I] = x.shape as readonly [number, number, number];
  const [whole, more] = [flag(x.dtype === "int32"), flag(y.add)];
  engine.call(kernel, y.pointer, x.pointer, index.pointer, O, y.shape[1], I, M, whole, more);
}

export const indexSelect: Implementation<"indexSelect"> = {
  check: (engine, { x, index }) => checkIds(engine, "indexSelect", "index", index, x.shape[1]),
  run: (engine, { x, index }, _attributes, { y }) => take(engine, select, y, x, index),
};

export const indexAdd: Implementation<"indexAdd"> = {
  accumulates: true,
  check: (engine, { index }, { N }) => checkIds(engine, "indexAdd", "index", index, N),
  run: (engine, { x, index }, _attributes, { y }) => add(engine, indexAddOf, y, x, index),
};

export const gather: Implementation<"gather"> = {
  check: (engine, { x, index }) => checkIds(engine, "gather", "index", index, x.shape[1]),
  run: (engine, { x, index }, _attributes, { y }) => take(engine, gatherOf, y, x, index),
};

export const scatterAdd: Implementation<"scatterAdd"> = {
  accumulates: true,
  check: (engine, { index }, { N }) => checkIds(engine, "scatterAdd", "index", index, N),
  run: (engine, { x, index }, _attributes, { y }) => add(engine, scatterAddOf, y, x, index),
};
