/** Rows of a table by id, and its gradient as a gather: the host lists each id's rows, so nothing is added in parallel. */
import { BackendError } from "../../../errors.js";
import { lastDim } from "../../../shape.js";
import type { Build } from "../../program.js";
import { assign, zero } from "../into.js";
import { each, BUILTINS, fold, GROUP, kernel } from "../pass.js";

export const embedding: Build<"embedding"> = ({ table }, _attributes, { rows }) => ({
  adds: ["rows"],
  passes: [
    each(
      {
        key: `embedding${rows.add ? " add" : ""}`,
        reads: { table: "table", ids: "ids" },
        writes: { rows: "rows" },
        uniforms: { C: table.shape[1] },
      },
      rows.size,
      `let C = u32(u.C);
  rows[i] ${assign(rows)} table[u32(ids[i / C]) * C + i % C];`,
    ),
  ],
});

/** The distinct ids, and for each where its rows begin in `rows`; the rows of an id are in order. */
function rowsById(ids: Int32Array) {
  const order = Int32Array.from(ids, (_, n) => n).sort((a, b) => ids[a] - ids[b] || a - b);
  const distinct: number[] = [];
  const begins: number[] = [];
  order.forEach((n, at) => {
    if (at > 0 && ids[n] === ids[order[at - 1]]) return;
    distinct.push(ids[n]);
    begins.push(at);
  });
  return { order, distinct: Int32Array.from(distinct), begins: Int32Array.from([...begins, ids.length]) };
}

export const embeddingGrad: Build<"embeddingGrad"> = ({ dy, ids }, _attributes, { dtable }) => {
  if (!ids.ints) throw new BackendError("embeddingGrad: ids must come from the host");
  const { order, distinct, begins } = rowsById(ids.ints);
  const C = lastDim(dy.shape);
  const gather = kernel({
    key: "embeddingGrad",
    reads: { dy: "dy", distinct: "distinct", begins: "begins", order: "order" },
    writes: { dtable: "dtable" },
    uniforms: { C },
    code: () => `
@compute @workgroup_size(64)
fn main(${BUILTINS}) {
  let C = u32(u.C);
  let g = ${GROUP};
  if (g >= arrayLength(&distinct)) { return; }
  let to = u32(distinct[g]) * C;
  for (var c = t; c < C; c += 64) {
    var sum = dtable[to + c];
    for (var r = u32(begins[g]); r < u32(begins[g + 1]); r++) { sum += dy[u32(order[r]) * C + c]; }
    dtable[to + c] = sum;
  }
}`,
    workgroups: fold(distinct.length),
  });
  return {
    adds: ["dtable"],
    tables: { distinct, begins, order },
    passes: dtable.add ? [gather] : [zero("dtable", dtable.size), gather],
  };
};
