/**
 * Running sums of x (O,N,I) along N, in float64. With I = 1 four values at a time; a long row goes in parts, each of which
 * begins with what is before it: the sums of the parts are a job of reduce.ts, and cumsumCarry adds them up.
 */
import { int, pointer } from "./control";
import { wide } from "./fold";
import { narrow } from "./trigonometry";

/** Columns of a unit, whose sums lie side by side. The host has this, too. */
const COLUMNS: i32 = 256;

/**
 * I = 1. Unit: a part, or where rows have one, some rows.
 * ints: x, y, O, N, length of a part, parts, slots, 1 from the end, rows of a unit, 1 for int32.
 */
export function cumsum(unit: i32): void {
  const N = int(3), length = int(4), parts = int(5);
  if (parts > 1) {
    const from = (unit % parts) * length;
    const at = (<usize>(unit / parts) * <usize>N + <usize>from) << 2;
    return run(at, min(length, N - from), pointer(6) + (<usize>unit << 4));
  }
  const end = min((unit + 1) * int(8), int(2));
  for (let o = unit * int(8); o < end; o++) run((<usize>o * <usize>N) << 2, N, 0);
}

// @ts-ignore: decorator
@inline
export function run(at: usize, n: i32, slot: usize): void {
  const x = pointer(0) + at, y = pointer(1) + at;
  if (int(9)) runInt32(x, y, n, slot ? load<i32>(slot) : 0);
  else if (int(7)) backward(x, y, n, slot ? load<f64>(slot) : 0);
  else forward(x, y, n, slot ? load<f64>(slot) : 0);
}

function forward(x: usize, y: usize, n: i32, start: f64): void {
  let before = f64x2.splat(start);
  for (const end = y + (<usize>(n & ~3) << 2); y < end; y += 16) {
    let a = wide(x), b = wide(x + 8);
    // From (p, q) to (p, p + q).
    a = f64x2.add(a, v128.shuffle<i64>(f64x2.splat(0), a, 0, 2));
    b = f64x2.add(f64x2.add(b, v128.shuffle<i64>(f64x2.splat(0), b, 0, 2)), v128.shuffle<i64>(a, a, 1, 1));
    v128.store(y, narrow(f64x2.add(a, before), f64x2.add(b, before)));
    before = f64x2.add(before, v128.shuffle<i64>(b, b, 1, 1));
    x += 16;
  }
  let sum = f64x2.extract_lane(before, 0);
  for (let rest = n & 3; rest > 0; rest--) {
    sum += <f64>load<f32>(x);
    store<f32>(y, <f32>sum);
    x += 4;
    y += 4;
  }
}

function backward(x: usize, y: usize, n: i32, start: f64): void {
  let before = f64x2.splat(start);
  x += <usize>n << 2;
  y += <usize>n << 2;
  for (const end = y - (<usize>(n & ~3) << 2); y > end;) {
    x -= 16;
    y -= 16;
    let a = wide(x), b = wide(x + 8);
    b = f64x2.add(b, v128.shuffle<i64>(b, f64x2.splat(0), 1, 2));
    a = f64x2.add(f64x2.add(a, v128.shuffle<i64>(a, f64x2.splat(0), 1, 2)), v128.shuffle<i64>(b, b, 0, 0));
    v128.store(y, narrow(f64x2.add(a, before), f64x2.add(b, before)));
    before = f64x2.add(before, v128.shuffle<i64>(a, a, 0, 0));
  }
  let sum = f64x2.extract_lane(before, 0);
  for (let rest = n & 3; rest > 0; rest--) {
    x -= 4;
    y -= 4;
    sum += <f64>load<f32>(x);
    store<f32>(y, <f32>sum);
  }
}

function runInt32(x: usize, y: usize, n: i32, sum: i32): void {
  const reverse = int(7) != 0;
  const step: usize = reverse ? -4 : 4;
  let at: usize = reverse ? <usize>(n - 1) << 2 : 0;
  for (; n > 0; n--) {
    sum += load<i32>(x + at);
    store<i32>(y + at, sum);
    at += step;
  }
}

/** What is before each part of a row, in place of its sum. Unit: a row. ints: slots, parts, 1 from the end, 1 for int32. */
export function cumsumCarry(unit: i32): void {
  const parts = int(1);
  const step: usize = int(2) ? -16 : 16;
  let slot = pointer(0) + (<usize>(unit * parts + (int(2) ? parts - 1 : 0)) << 4);
  let sum: f64 = 0, sumInt32: i32 = 0;
  for (let part = 0; part < parts; part++) {
    if (int(3)) {
      const own = load<i32>(slot);
      store<i32>(slot, sumInt32);
      sumInt32 += own;
    } else {
      const own = load<f64>(slot);
      store<f64>(slot, sum);
      sum += own;
    }
    slot += step;
  }
}

/**
 * Any I. Unit: some columns of an o.
 * ints: x, y, N, I, 1 from the end, 1 for int32, scratch memory, its bytes a thread.
 */
export function cumsumColumns(unit: i32, thread: i32): void {
  const N = int(2), I = int(3), reverse = int(4) != 0;
  const blocks = (I + COLUMNS - 1) / COLUMNS;
  const i = (unit % blocks) * COLUMNS, n = min(COLUMNS, I - i);
  const sums = pointer(6) + <usize>thread * <usize>pointer(7);
  memory.fill(sums, 0, <usize>((n + 3) & ~3) << 3);
  for (let row = 0; row < N; row++) {
    const at = (<usize>((unit / blocks) * N + (reverse ? N - 1 - row : row)) * <usize>I + <usize>i) << 2;
    if (int(5)) addRowInt32(pointer(0) + at, pointer(1) + at, n, sums);
    else addRow(pointer(0) + at, pointer(1) + at, n, sums);
  }
}

function addRow(x: usize, y: usize, n: i32, sums: usize): void {
  let j = 0;
  for (; j + 4 <= n; j += 4) {
    const a = f64x2.add(v128.load(sums), wide(x)), b = f64x2.add(v128.load(sums, 16), wide(x + 8));
    v128.store(sums, a);
    v128.store(sums, b, 16);
    v128.store(y, narrow(a, b));
    x += 16;
    y += 16;
    sums += 32;
  }
  for (; j < n; j++) {
    const sum = load<f64>(sums) + <f64>load<f32>(x);
    store<f64>(sums, sum);
    store<f32>(y, <f32>sum);
    x += 4;
    y += 4;
    sums += 8;
  }
}

function addRowInt32(x: usize, y: usize, n: i32, sums: usize): void {
  for (let j: usize = 0; j < <usize>n << 2; j += 4) {
    const sum = load<i32>(sums + j) + load<i32>(x + j);
    store<i32>(sums + j, sum);
    store<i32>(y + j, sum);
  }
}
