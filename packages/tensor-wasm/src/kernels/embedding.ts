import { lastDim } from "@normless/tensor";
import { checkIds } from "./checks.js";
import { zero } from "./elementwise.js";
import { type Implementation, ROWS, unitsOf } from "./implementation.js";

/** Columns of a unit of embeddingGrad (assembly/embedding.ts). */
const COLUMNS = 32;

export const embedding: Implementation<"embedding"> = {
  check: (engine, { table, ids }) => checkIds(engine, "embedding", "ids", ids, table.shape[0]),
  run(engine, { table, ids }, _attributes, { rows }) {
    const ints = [table.pointer, ids.pointer, rows.pointer, ids.size, table.shape[1]];
    engine.run("embedding", unitsOf(ids.size, ROWS), rows.size * 0.2, ints);
  },
};

export const embeddingGrad: Implementation<"embeddingGrad"> = {
  accumulates: true,
  check: (engine, { ids }, { vocabulary }) => checkIds(engine, "embeddingGrad", "ids", ids, vocabulary),
  run(engine, { dy, ids }, _attributes, { dtable }) {
    const C = lastDim(dy.shape);
    if (!dtable.add) zero(engine, dtable);
    const ints = [dy.pointer, ids.pointer, dtable.pointer, ids.size, C];
    engine.run("embeddingGrad", unitsOf(C, COLUMNS), dy.size * 0.4, ints);
  },
};
