/** Rows of a table by id, and the gradient, which adds each row's gradient to its id's row. */
import { ShapeError } from "../errors.js";
import { lastDim, sizeOf } from "../shape.js";
import { contract, float32, INT32, KEPT } from "./contract.js";

/** table (V,C), which may be bfloat16, ids int32 (...) → rows (...,C). Ids are checked where they enter, by the caller. */
export const embedding = contract<Readonly<Record<never, never>>>()({
  inputs: ["table", "ids"],
  dtypes: { table: KEPT, ids: INT32 },
  outputs: ["rows"],
  infer({ table, ids }) {
    if (table.shape.length !== 2)
      throw new ShapeError("embedding", "the table is (V,C)", { table: table.shape });
    return { rows: float32([...ids.shape, table.shape[1]]) };
  },
  naive({ table, ids }, _attributes, { rows }) {
    const C = table.shape[1];
    for (let n = 0; n < ids.data.length; n++) {
      for (let c = 0; c < C; c++) rows.data[n * C + c] = table.data[ids.data[n] * C + c]!;
    }
  },
});

/** dy (...,C), ids int32 (...) → dtable (V,C). */
export const embeddingGrad = contract<{
  /** V, the rows of the table. */
  readonly vocabulary: number;
}>()({
  inputs: ["dy", "ids"],
  dtypes: { ids: INT32 },
  outputs: ["dtable"],
  infer({ dy, ids }, { vocabulary }) {
    const C = lastDim(dy.shape);
    if (sizeOf(ids.shape) * C !== sizeOf(dy.shape)) {
      throw new ShapeError("embeddingGrad", "dy is (...,C) for ids (...)", {
        dy: dy.shape,
        ids: ids.shape,
      });
    }
    return { dtable: float32([vocabulary, C]) };
  },
  naive({ dy, ids }, _attributes, { dtable }) {
    const C = lastDim(dy.shape);
    for (let n = 0; n < ids.data.length; n++) {
      for (let c = 0; c < C; c++) dtable.data[ids.data[n] * C + c] += dy.data[n * C + c];
    }
  },
});
