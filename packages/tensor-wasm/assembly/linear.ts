/** The bias of a linear layer and its gradient. The products are jobs of gemm.ts. */
import { int, pointer } from "./control";
import { ROWS } from "./rows";

/** Columns that one unit sums. */
const COLUMNS: i32 = 32;
/** Rows that are summed before their sum is added to the total. */
const BLOCK: i32 = 128;

/**
 * Sums over blocks of rows first, so that long columns lose no digits.
 * ints: dy, its row length in floats, out, rows, columns, 1 to add.
 */
export function columnSums(unit: i32): void {
  const ld = <usize>int(1) << 2, N = int(3), add = int(5) != 0;
  const begin = unit * COLUMNS;
  const end = min(begin + COLUMNS, int(4));
  let j = begin;
  for (; j + 16 <= end; j += 16) {
    let from = pointer(0) + (<usize>j << 2);
    let a = f32x4.splat(0), b = a, c = a, d = a;
    for (let n = 0; n < N; n += BLOCK) {
      let e = f32x4.splat(0), f = e, g = e, h = e;
      for (let rows = min(BLOCK, N - n); rows > 0; rows--) {
        e = f32x4.add(e, v128.load(from));
        f = f32x4.add(f, v128.load(from, 16));
        g = f32x4.add(g, v128.load(from, 32));
        h = f32x4.add(h, v128.load(from, 48));
        from += ld;
      }
      a = f32x4.add(a, e);
      b = f32x4.add(b, f);
      c = f32x4.add(c, g);
      d = f32x4.add(d, h);
    }
    const to = pointer(2) + (<usize>j << 2);
    v128.store(to, add ? f32x4.add(v128.load(to), a) : a);
    v128.store(to, add ? f32x4.add(v128.load(to, 16), b) : b, 16);
    v128.store(to, add ? f32x4.add(v128.load(to, 32), c) : c, 32);
    v128.store(to, add ? f32x4.add(v128.load(to, 48), d) : d, 48);
  }
  for (; j < end; j++) {
    let from = pointer(0) + (<usize>j << 2);
    let total: f32 = 0;
    for (let n = 0; n < N; n += BLOCK) {
      let block: f32 = 0;
      for (let rows = min(BLOCK, N - n); rows > 0; rows--) {
        block += load<f32>(from);
        from += ld;
      }
      total += block;
    }
    const to = pointer(2) + (<usize>j << 2);
    store<f32>(to, add ? load<f32>(to) + total : total);
  }
}

/** Rows of C begin as the bias, or have it added. ints: c, ldc (bytes), M, N, bias, 1 to add. */
export function biasRows(unit: i32): void {
  const ldc = <usize>pointer(1), N = int(3), bias = pointer(4), add = int(5) != 0;
  const end = min((unit + 1) * ROWS, int(2));
  for (let m = unit * ROWS; m < end; m++) {
    const row = pointer(0) + <usize>m * ldc;
    if (!add) memory.copy(row, bias, <usize>N << 2);
    else for (let j: usize = 0; j < <usize>N << 2; j += 4) store<f32>(row + j, load<f32>(row + j) + load<f32>(bias + j));
  }
}
