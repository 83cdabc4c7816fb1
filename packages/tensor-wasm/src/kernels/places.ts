/** Values by their places along N of (O,N,I), and the gradients, which add to those places. */
import { checkIds } from "./checks.js";
import { zero } from "./elementwise.js";
import { CHUNK, flag, type Implementation, unitsOf } from "./implementation.js";
import type { Dims } from "./reduce.js";

/** Columns that one unit adds to. */
const COLUMNS = 64;
/** Nanoseconds of a value that is read, or added to, where it happens to be. */
const SCATTERED = 1.5;

const rowsOf = (values: number) => Math.max(1, Math.floor(CHUNK / Math.max(values, 1)));

export const indexSelect: Implementation<"indexSelect"> = {
  check: (engine, { x, index }) => checkIds(engine, "indexSelect", "index", index, x.shape[1]),
  run(engine, { x, index }, _attributes, { y }) {
    const [O, N, I] = x.shape as unknown as Dims;
    const slices = rowsOf(I);
    const ints = [x.pointer, index.pointer, y.pointer, N, I, index.size, O * index.size, slices];
    engine.run("indexSelect", I === 0 ? 0 : unitsOf(O * index.size, slices), y.size * 0.5, ints);
  },
};

export const indexAdd: Implementation<"indexAdd"> = {
  accumulates: true,
  check: (engine, { index }, { N }) => checkIds(engine, "indexAdd", "index", index, N),
  run(engine, { x, index }, { N }, { y }) {
    const [O, M, I] = x.shape as unknown as Dims;
    if (!y.add) zero(engine, y);
    const ints = [x.pointer, index.pointer, y.pointer, M, N, I, flag(x.dtype === "int32"), COLUMNS];
    engine.run("indexAdd", O * unitsOf(I, COLUMNS), x.size * 0.5, ints);
  },
};

export const gather: Implementation<"gather"> = {
  check: (engine, { x, index }) => checkIds(engine, "gather", "index", index, x.shape[1]),
  run(engine, { x, index }, _attributes, { y }) {
    const [O, N, I] = x.shape as unknown as Dims;
    const M = index.shape[1];
    const pointers = [x.pointer, index.pointer, y.pointer];
    const work = y.size * SCATTERED;
    if (y.size === 0) return;
    const rows = rowsOf(I);
    engine.run("gather", unitsOf(O * M, rows), work, [...pointers, N, I, M, O * M, rows]);
  },
};

export const scatterAdd: Implementation<"scatterAdd"> = {
  accumulates: true,
  check: (engine, { index }, { N }) => checkIds(engine, "scatterAdd", "index", index, N),
  run(engine, { x, index }, { N }, { y }) {
    const [O, M, I] = x.shape as unknown as Dims;
    if (!y.add) zero(engine, y);
    const ints = [x.pointer, index.pointer, y.pointer, M, N, I, flag(x.dtype === "int32"), COLUMNS];
    engine.run("scatterAdd", O * unitsOf(I, COLUMNS), x.size * SCATTERED, ints);
  },
};
