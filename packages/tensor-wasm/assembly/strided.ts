/** Copies between memory that is walked in steps and memory in a row, of any kind of value, and what is made of nothing. */
import { double, int, pointer } from "./control";
import { CHUNK, chunkEnd } from "./elementwise";
import { columnsFrom, columnStride, endRow, firstColumn, firstRow, place, rowStride, straight } from "./walk";
import { narrow } from "./trigonometry";

/** ints: y, x, −, −, −; the walk of x and y. */
export function copySteps(unit: i32): void {
  const column = firstColumn(unit), n = columnsFrom(column);
  const moveX = columnStride(0), moveY = columnStride(1);
  let row = firstRow(unit);
  for (const end = endRow(row); row < end;) {
    let x = pointer(1) + place(0, row) + <usize>column * moveX;
    let y = pointer(0) + place(1, row) + <usize>column * moveY;
    const until = min(end, row + straight(row));
    for (; row < until; row++) {
      copyRow(x, moveX, y, moveY, n);
      x += rowStride(0);
      y += rowStride(1);
    }
  }
}

// @ts-ignore: decorator
@inline
export function copyRow(x: usize, moveX: usize, y: usize, moveY: usize, n: i32): void {
  if (moveY == 4 && moveX == 4) {
    if (n >= 64) return memory.copy(y, x, <usize>n << 2);
    for (const whole = y + (<usize>(n & ~3) << 2); y < whole; y += 16) {
      v128.store(y, v128.load(x));
      x += 16;
    }
    for (let rest = n & 3; rest > 0; rest--) {
      store<u32>(y, load<u32>(x));
      x += 4;
      y += 4;
    }
  } else if (moveY == 4 && moveX == 0) {
    const value = v128.load32_splat(x);
    for (const whole = y + (<usize>(n & ~3) << 2); y < whole; y += 16) v128.store(y, value);
    for (let rest = n & 3; rest > 0; rest--) {
      v128.store32_lane(y, value, 0);
      y += 4;
    }
  } else {
    for (; n >= 4; n -= 4) {
      const twoX = x + 2 * moveX, twoY = y + 2 * moveY;
      const a = load<u32>(x), b = load<u32>(x + moveX), c = load<u32>(twoX), d = load<u32>(twoX + moveX);
      store<u32>(y, a);
      store<u32>(y + moveY, b);
      store<u32>(twoY, c);
      store<u32>(twoY + moveY, d);
      x = twoX + 2 * moveX;
      y = twoY + 2 * moveY;
    }
    for (; n > 0; n--) {
      store<u32>(y, load<u32>(x));
      x += moveX;
      y += moveY;
    }
  }
}

/** Rows of x that a block of a transposition reads: as many as a processor's nearest cache keeps at one distance. */
const BLOCK: i32 = 8;

/**
 * Matrices whose columns lie side by side in x and whose rows do in y. Rows of the walk are matrices, its columns those of
 * x's rows that a unit moves. ints: y, x, columns of y's rows, from one to the next in x (bytes), −; the walk of x and y.
 */
export function transpose(unit: i32): void {
  const column = firstColumn(unit), n = columnsFrom(column);
  const Q = int(2), nextX = <usize>pointer(3), nextY = columnStride(1);
  const end = endRow(firstRow(unit));
  for (let row = firstRow(unit); row < end; row++) {
    const x = pointer(1) + place(0, row) + (<usize>column << 2);
    const y = pointer(0) + place(1, row) + <usize>column * nextY;
    for (let q = 0; q < Q; q += BLOCK) {
      transposeBlock(x + <usize>q * nextX, nextX, y + (<usize>q << 2), nextY, n, min(BLOCK, Q - q));
    }
  }
}

/** `p` columns of `q` rows of x become `p` rows of y. */
function transposeBlock(x: usize, nextX: usize, y: usize, nextY: usize, p: i32, q: i32): void {
  for (; p >= 4; p -= 4) {
    let from = x, to = y, rows = q;
    for (; rows >= 4; rows -= 4) {
      const r0 = v128.load(from), r1 = v128.load(from + nextX);
      const r2 = v128.load(from + 2 * nextX), r3 = v128.load(from + 3 * nextX);
      const lo01 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5), hi01 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
      const lo23 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5), hi23 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<i32>(lo01, lo23, 0, 1, 4, 5));
      v128.store(to + nextY, v128.shuffle<i32>(lo01, lo23, 2, 3, 6, 7));
      v128.store(to + 2 * nextY, v128.shuffle<i32>(hi01, hi23, 0, 1, 4, 5));
      v128.store(to + 3 * nextY, v128.shuffle<i32>(hi01, hi23, 2, 3, 6, 7));
      from += 4 * nextX;
      to += 16;
    }
    for (; rows > 0; rows--) {
      const r = v128.load(from);
      v128.store32_lane(to, r, 0);
      v128.store32_lane(to + nextY, r, 1);
      v128.store32_lane(to + 2 * nextY, r, 2);
      v128.store32_lane(to + 3 * nextY, r, 3);
      from += nextX;
      to += 4;
    }
    x += 16;
    y += 4 * nextY;
  }
  for (; p > 0; p--) {
    let from = x;
    for (let i: usize = 0; i < <usize>q << 2; i += 4) {
      store<u32>(y + i, load<u32>(from));
      from += nextX;
    }
    x += 4;
    y += nextY;
  }
}

/** start + step·i, in float64. ints: y, n, start (two of them), step (two), 1 for int32. */
export function range(unit: i32): void {
  const y = pointer(0), start = f64x2.splat(double(2)), step = f64x2.splat(double(4)), whole = int(6) != 0;
  const end = chunkEnd(unit, int(1));
  for (let i = unit * CHUNK; i < end; i += 4) {
    const at = i32x4.add(i32x4.splat(i), i32x4(0, 1, 2, 3));
    const a = f64x2.add(start, f64x2.mul(step, f64x2.convert_low_i32x4_s(at)));
    const b = f64x2.add(start, f64x2.mul(step, f64x2.convert_low_i32x4_s(v128.shuffle<i32>(at, at, 2, 3, 2, 3))));
    if (whole) {
      const low = i32x4.trunc_sat_f64x2_s_zero(a), high = i32x4.trunc_sat_f64x2_s_zero(b);
      v128.store(y + (<usize>i << 2), v128.shuffle<i32>(low, high, 0, 1, 4, 5));
    } else v128.store(y + (<usize>i << 2), narrow(a, b));
  }
}
