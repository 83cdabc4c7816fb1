import { flag, type Implementation, unitsOf } from "./implementation.js";
import type { Dims } from "./reduce.js";

/** Rows that are longer are sorted by all threads together, in chunks. */
const LONG_ROW = 1 << 16;
/** Bytes of the counts of a chunk (assembly/sort.ts), and chunks of a row. */
const COUNTS = 1024;
const CHUNKS = 16;

export const sort: Implementation<"sort"> = {
  alone: true,
  run(engine, { x }, { descending }, { values, indices }) {
    const [O, N, I] = x.shape as unknown as Dims;
    const kind = [flag(x.dtype === "int32"), flag(descending)];
    if (N <= LONG_ROW) {
      const perThread = COUNTS + Math.ceil((2 * N * 8) / 64) * 64;
      const scratch = engine.scratch(engine.threads * perThread);
      const ints = [x.pointer, values.pointer, indices.pointer, N, I, ...kind, scratch, perThread];
      return engine.run("sortRows", O * I, x.size * 20, ints);
    }
    const length = Math.ceil(N / CHUNKS);
    const chunks = unitsOf(N, length);
    const counts = engine.scratch(chunks * COUNTS);
    let [pairs, other] = [engine.scratch(N * 8), engine.scratch(N * 8)];
    for (let row = 0; row < O * I; row++) {
      const at = 4 * (Math.floor(row / I) * N * I + (row % I));
      const of = [N, I, ...kind, length];
      engine.run("sortPairs", chunks, N, [x.pointer + at, pairs, ...of]);
      for (let shift = 32; shift < 64; shift += 8) {
        const ints = [pairs, N, shift, counts, length];
        engine.run("sortCount", chunks, N, ints);
        engine.run("sortPlaces", 1, 0, [counts, chunks, N]);
        engine.run("sortMove", chunks, N * 3, [...ints, other]);
        [pairs, other] = [other, pairs];
      }
      const to = [values.pointer + at, indices.pointer + at];
      engine.run("sortTake", chunks, N, [x.pointer + at, pairs, ...of, ...to]);
    }
  },
};
