/** Rows of a table by id. */
import type { Tensor } from "@normless/tensor";
import { onTape, tapeOf, type Value, type Variable } from "../tape.js";

/** table (V,C), ids int32 (...) → (...,C). */
export function embedding(table: Value, ids: Tensor): Variable {
  const tape = tapeOf("embedding", table);
  const tv = onTape(tape, table);
  const { rows } = tape.backend.run("embedding", { table: tv.tensor, ids }, {});
  return tape.record([rows], [tv], (dy, gradients) => {
    gradients.add("embeddingGrad", { dy, ids }, { vocabulary: tv.shape[0] }, { dtable: tv });
  });
}
