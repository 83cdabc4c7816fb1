/** Rows of a table by id. */
import type { Tensor } from "@normless/tensor";
import { apply, type Result } from "../apply.js";
import type { Value } from "../tape.js";

/** table (V,C), ids int32 (...) → (...,C). */
export function embedding<X extends Value>(table: X, ids: Tensor): Result<X> {
  return apply("embedding", [table], ([table], backend) => ({
    made: [backend.run("embedding", { table, ids }, {}).rows],
    backward(dy, gradients, [tv]) {
      gradients.add("embeddingGrad", { dy, ids }, { vocabulary: table.shape[0] }, { dtable: tv });
    },
  }));
}
