/** A big matrix in float64, some rows at a time: what is done to each row for itself needs no more of it. */
import type { Matrix } from "@normless/layernorm";

/** Values in float64 at once. */
const VALUES = 2 ** 20;

/** The rows of a float32 matrix in order, as copies; `first` is the row that a part begins with. */
export function* rowParts(
  data: Float32Array,
  columns: number,
): Generator<{ readonly first: number; readonly w: Matrix }> {
  const count = Math.max(1, Math.floor(VALUES / columns));
  const all = data.length / columns;
  for (let first = 0; first < all; first += count) {
    const rows = Math.min(count, all - first);
    const part = data.subarray(first * columns, (first + rows) * columns);
    yield { first, w: { rows, columns, data: Float64Array.from(part) } };
  }
}
