/** Column sums: the bias's gradient. The products of a linear layer are jobs of gemm.ts. */
import { int, pointer } from "./control";

/** Columns that one unit sums. */
const COLUMNS: i32 = 32;

/**
 * Sums over blocks of 128 rows first, so that long columns lose no digits. Reads of the last unit may run past the row,
 * never past the padding of the tensor. ints: dy, its row length in floats, out, rows, columns, 1 to add.
 */
export function columnSums(unit: i32): void {
  const ld = <usize>int(1) << 2, N = int(3), add = int(5) != 0;
  const begin = unit * COLUMNS;
  const end = min(begin + COLUMNS, int(4));
  for (let j = begin; j < end; j += 4) {
    let from = pointer(0) + (<usize>j << 2);
    const to = pointer(2) + (<usize>j << 2);
    let total = f32x4.splat(0);
    for (let n = 0; n < N; n += 128) {
      let block = f32x4.splat(0);
      const rows = min(128, N - n);
      for (let r = 0; r < rows; r++) {
        block = f32x4.add(block, v128.load(from));
        from += ld;
      }
      total = f32x4.add(total, block);
    }
    if (end - j >= 4) v128.store(to, add ? f32x4.add(v128.load(to), total) : total);
    else {
      put(to, f32x4.extract_lane(total, 0), add);
      if (end - j > 1) put(to + 4, f32x4.extract_lane(total, 1), add);
      if (end - j > 2) put(to + 8, f32x4.extract_lane(total, 2), add);
    }
  }
}

// @ts-ignore: decorator
@inline
function put(to: usize, value: f32, add: bool): void {
  store<f32>(to, add ? load<f32>(to) + value : value);
}
