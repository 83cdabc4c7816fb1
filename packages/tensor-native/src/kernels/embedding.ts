/** Rows of a table by id, and the gradient (native/embedding.c). */
import { lastDim } from "@normless/tensor";
import { declare } from "../library.js";
import { checkIds } from "./checks.js";
import { zero } from "./elementwise.js";
import { flag, type Implementation } from "./implementation.js";

const rowsById = declare(
  "int embedding(engine *e, float *to, const kept *table, const int32_t *ids, int64_t N, int64_t C, int half)",
);
const grad = declare(
  "int embedding_grad(engine *e, float *dtable, const float *dy, const int32_t *ids, int64_t N, int64_t C)",
);

export const embedding: Implementation<"embedding"> = {
  check: (engine, { table, ids }) => checkIds(engine, "embedding", "ids", ids, table.shape[0]),
  run(engine, { table, ids }, _attributes, { rows }) {
    const half = flag(table.dtype === "bfloat16");
    engine.call(rowsById, rows.pointer, table.pointer, ids.pointer, ids.size, table.shape[1], half);
  },
};

export const embeddingGrad: Implementation<"embeddingGrad"> = {
  accumulates: true,
  check: (engine, { ids }, { vocabulary }) => checkIds(engine, "embeddingGrad", "ids", ids, vocabulary),
  run(engine, { dy, ids }, _attributes, { dtable }) {
    if (!dtable.add) zero(engine, dtable);
    engine.call(grad, dtable.pointer, dy.pointer, ids.pointer, ids.size, lastDim(dy.shape));
  },
};
