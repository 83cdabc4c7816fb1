import { lastDim } from "../../shape.js";
import type { Build, Operand } from "../program.js";
import { FLAT, pass, X, Y } from "../source.js";

export const embedding: Build<"embedding"> = ({ table, ids }) => {
  const C = table.shape[1];
  return {
    passes: [
      pass("embedding", {
        output: [C, ids.size],
        reads: { table: C, ids: FLAT },
        writes: "rows",
        body: `return table[ids[${Y}]][${X}];`,
      }),
    ],
  };
};

/** Places in `ids` sorted by id: those of id v are `order[starts[v]]` to before `order[starts[v + 1]]`. */
function placesById({ ints = new Int32Array() }: Operand, vocabulary: number) {
  const starts = new Int32Array(vocabulary + 1);
  for (const id of ints) starts[id + 1] += 1;
  for (let v = 0; v < vocabulary; v++) starts[v + 1] += starts[v];
  const next = starts.slice();
  const order = new Int32Array(ints.length);
  ints.forEach((id, n) => (order[next[id]++] = n));
  return { starts, order };
}

/** A gather: every row of the table adds up its own tokens, so that no two threads write to one place. */
export const embeddingGrad: Build<"embeddingGrad"> = ({ dy, ids }, { vocabulary }) => {
  const C = lastDim(dy.shape);
  return {
    tables: placesById(ids, vocabulary),
    passes: [
      pass("embeddingGrad", {
        output: [C, vocabulary],
        reads: { dy: C, order: FLAT, starts: FLAT },
        writes: "dtable",
        body: `let begin = starts[${Y}];
          let count = starts[${Y} + 1] - begin;
          let sum = 0;
          for (let i = 0; i < ${ids.size}; i++) {
            if (i >= count) { break; }
            sum += dy[order[begin + i]][${X}];
          }
          return sum;`,
      }),
    ],
  };
};
