/** Rows of a table by id, and the gradient. Ids are checked (firstOutside) before either runs. */
import { int, pointer } from "./control";
import { ROWS } from "./rows";

/** Columns that one unit of the gradient handles. */
export const COLUMNS: i32 = 32;

/** The index of the first id that is not in [0, limit), or −1. */
export function firstOutside(ids: usize, n: i32, limit: i32): i32 {
  const limits = i32x4.splat(limit);
  let i = 0;
  while (i + 4 <= n && !v128.any_true(i32x4.ge_u(v128.load(ids + (<usize>i << 2)), limits))) i += 4;
  for (; i < n; i++) {
    if (load<u32>(ids + (<usize>i << 2)) >= <u32>limit) return i;
  }
  return -1;
}

/** ints: table, ids, rows, N, C. */
export function embedding(unit: i32): void {
  const table = pointer(0), ids = pointer(1), to = pointer(2);
  const bytes = <usize>int(4) << 2;
  const end = min((unit + 1) * ROWS, int(3));
  for (let n = unit * ROWS; n < end; n++) {
    memory.copy(to + <usize>n * bytes, table + <usize>load<u32>(ids + (<usize>n << 2)) * bytes, bytes);
  }
}

/** Each unit adds some columns of every row, in the rows' order. ints: dy, ids, dtable, N, C. */
export function embeddingGrad(unit: i32): void {
  const dy = pointer(0), ids = pointer(1), dtable = pointer(2), N = int(3), C = int(4);
  const begin = unit * COLUMNS;
  const columns = min(COLUMNS, C - begin);
  for (let n = 0; n < N; n++) {
    const from = dy + ((<usize>n * <usize>C + <usize>begin) << 2);
    const to = dtable + ((<usize>load<u32>(ids + (<usize>n << 2)) * <usize>C + <usize>begin) << 2);
    let i = 0;
    for (; i + 4 <= columns; i += 4) {
      const at = <usize>i << 2;
      v128.store(to + at, f32x4.add(v128.load(to + at), v128.load(from + at)));
    }
    for (; i < columns; i++) {
      const at = <usize>i << 2;
      store<f32>(to + at, load<f32>(to + at) + load<f32>(from + at));
    }
  }
}
