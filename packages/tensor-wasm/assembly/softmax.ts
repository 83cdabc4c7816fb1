/**
 * Softmax, its logarithm and their gradient, of (O,N,I) along N. With I = 1 by rows, three short passes over one that is in
 * the nearest cache; a long row goes in parts, of which reduce.ts makes the maximum and the sum first. Otherwise some columns
 * at a time, as there.
 */
import { int, pointer } from "./control";
import { expOf } from "./exp";
import { SECOND, THIRD } from "./fold";
import { LogSumExp } from "./moments";
import { exp1, exp4, ln, maxOf, scaleBy, splat } from "./simd";

/** Columns of a unit, whose sums lie side by side. The host has this, too. */
const COLUMNS: i32 = 256;

/** I = 1. Unit: some rows. ints: x, y, O, N, 1 for the logarithm, rows of a unit. */
export function softmax(unit: i32, thread: i32): void {
  const N = int(3);
  const end = min((unit + 1) * int(5), int(2));
  for (let o = unit * int(5); o < end; o++) {
    const at = (<usize>o * <usize>N) << 2;
    const x = pointer(0) + at, y = pointer(1) + at;
    const most = maxOf(x, N);
    if (int(4)) subtract(x, y, N, most, <f32>ln(expOf(x, 0, N, most, thread)));
    else {
      const sum = expOf(x, y, N, most, thread);
      scaleBy(y, N, <f32>(1 / sum));
    }
  }
}

/** y = x − most − log Σ: the maximum first, so that large numbers lose nothing. */
function subtract(x: usize, y: usize, n: i32, most: f32, log: f32): void {
  const m = splat(most), l = splat(log);
  let i: usize = 0;
  for (; i < <usize>(n & ~3) << 2; i += 16) v128.store(y + i, f32x4.sub(f32x4.sub(v128.load(x + i), m), l));
  for (; i < <usize>n << 2; i += 4) store<f32>(y + i, load<f32>(x + i) - most - log);
}

/** I = 1. Unit: a part. ints: x, y, N, length, parts, 1 for the logarithm, slots: of each row the first one (LogSumExp). */
export function softmaxParts(unit: i32, thread: i32): void {
  const N = int(2), length = int(3), parts = int(4);
  const o = unit / parts, from = (unit % parts) * length, n = min(length, N - from);
  const slot = pointer(6) + (<usize>(o * parts) << 4);
  const most = <f32>load<f64>(slot), sum = load<f64>(slot, 8);
  const at = (<usize>o * <usize>N + <usize>from) << 2;
  const x = pointer(0) + at, y = pointer(1) + at;
  if (int(5)) subtract(x, y, n, most, <f32>ln(sum));
  else {
    expOf(x, y, n, most, thread);
    scaleBy(y, n, <f32>(1 / sum));
  }
}

/** Any I. Unit: some columns of an o. ints: x, y, N, I, 1 for the logarithm, scratch memory, its bytes a thread. */
export function softmaxColumns(unit: i32, thread: i32): void {
  const N = int(2), I = int(3), log = int(4) != 0;
  const blocks = (I + COLUMNS - 1) / COLUMNS;
  const i = (unit % blocks) * COLUMNS, n = min(COLUMNS, I - i);
  const sums = pointer(5) + <usize>thread * <usize>pointer(6), most = sums + SECOND, factors = sums + THIRD;
  let at = (<usize>((unit / blocks) * N) * <usize>I + <usize>i) << 2;
  changetype<LogSumExp>(0).columns(pointer(0) + at, <usize>I << 2, N, n, 0, sums);
  for (let j = 0; j < n; j++) {
    const sum = load<f64>(sums + (<usize>j << 3));
    store<f32>(factors + (<usize>j << 2), <f32>(log ? ln(sum) : 1 / sum));
  }
  for (let row = 0; row < N; row++) {
    const x = pointer(0) + at, y = pointer(1) + at;
    let j: usize = 0;
    for (; j < <usize>(n & ~3) << 2; j += 16) {
      const d = f32x4.sub(v128.load(x + j), v128.load(most + j)), factor = v128.load(factors + j);
      v128.store(y + j, log ? f32x4.sub(d, factor) : f32x4.mul(exp4(d), factor));
    }
    for (; j < <usize>n << 2; j += 4) {
      const d = load<f32>(x + j) - load<f32>(most + j), factor = load<f32>(factors + j);
      store<f32>(y + j, log ? d - factor : exp1(d) * factor);
    }
    at += <usize>I << 2;
  }
}

/** The sum of dy·y, or of dy for the logarithm. `log` is a constant, so that no test is left in the loop. */
// @ts-ignore: decorator
@inline
export function slopes(dy: usize, y: usize, n: i32, log: bool): f64 {
  let low = f64x2.splat(0), high = low;
  let i: usize = 0;
  for (; i < <usize>(n & ~3) << 2; i += 16) {
    const v = log ? v128.load(dy + i) : f32x4.mul(v128.load(dy + i), v128.load(y + i));
    low = f64x2.add(low, f64x2.promote_low_f32x4(v));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i32>(v, v, 2, 3, 2, 3)));
  }
  low = f64x2.add(low, high);
  let sum = f64x2.extract_lane(low, 0) + f64x2.extract_lane(low, 1);
  for (; i < <usize>n << 2; i += 4) sum += <f64>(log ? load<f32>(dy + i) : load<f32>(dy + i) * load<f32>(y + i));
  return sum;
}

/** dx = y·(dy − sum), or dy − exp(y)·sum. */
// @ts-ignore: decorator
@inline
export function applySlope(dy: usize, y: usize, dx: usize, n: i32, sum: f32, log: bool): void {
  const s = splat(sum);
  let i: usize = 0;
  for (; i < <usize>(n & ~3) << 2; i += 16) v128.store(dx + i, slope(v128.load(dy + i), v128.load(y + i), s, log));
  for (; i < <usize>n << 2; i += 4) {
    v128.store32_lane(dx + i, slope(v128.load32_splat(dy + i), v128.load32_splat(y + i), s, log), 0);
  }
}

// @ts-ignore: decorator
@inline
export function slope(dy: v128, y: v128, sum: v128, log: bool): v128 {
  return log ? f32x4.sub(dy, f32x4.mul(exp4(y), sum)) : f32x4.mul(y, f32x4.sub(dy, sum));
}

/**
 * I = 1. Unit: some rows; or a part, whose sum goes into its slot (`what` is 1), or which is made from the slots (2).
 * ints: dy, y, dx, O, N, 1 for the logarithm, rows of a unit, length, parts, slots, what.
 */
export function softmaxGrad(unit: i32): void {
  if (int(5)) gradient(unit, true);
  else gradient(unit, false);
}

// @ts-ignore: decorator
@inline
export function gradient(unit: i32, log: bool): void {
  const N = int(4), parts = int(8);
  if (int(10)) {
    const from = (unit % parts) * int(7), n = min(int(7), N - from);
    const at = (<usize>(unit / parts) * <usize>N + <usize>from) << 2;
    const slots = pointer(9) + (<usize>((unit / parts) * parts) << 3);
    if (int(10) == 1) store<f64>(slots + (<usize>(unit % parts) << 3), slopes(pointer(0) + at, pointer(1) + at, n, log));
    else {
      let sum: f64 = 0;
      for (let part = 0; part < parts; part++) sum += load<f64>(slots + (<usize>part << 3));
      applySlope(pointer(0) + at, pointer(1) + at, pointer(2) + at, n, <f32>sum, log);
    }
    return;
  }
  const end = min((unit + 1) * int(6), int(3));
  for (let o = unit * int(6); o < end; o++) {
    const at = (<usize>o * <usize>N) << 2;
    const dy = pointer(0) + at, y = pointer(1) + at;
    applySlope(dy, y, pointer(2) + at, N, <f32>slopes(dy, y, N, log), log);
  }
}

/** Any I. Unit: some columns of an o. ints: dy, y, dx, N, I, 1 for the logarithm, scratch memory, its bytes a thread. */
export function softmaxGradColumns(unit: i32, thread: i32): void {
  if (int(5)) gradientColumns(unit, thread, true);
  else gradientColumns(unit, thread, false);
}

// @ts-ignore: decorator
@inline
export function gradientColumns(unit: i32, thread: i32, log: bool): void {
  const N = int(3), I = int(4);
  const blocks = (I + COLUMNS - 1) / COLUMNS;
  const i = (unit % blocks) * COLUMNS, n = min(COLUMNS, I - i);
  const sums = pointer(6) + <usize>thread * <usize>pointer(7), narrowed = sums + SECOND;
  const first = (<usize>((unit / blocks) * N) * <usize>I + <usize>i) << 2;
  memory.fill(sums, 0, <usize>((n + 3) & ~3) << 3);
  let at = first;
  for (let row = 0; row < N; row++) {
    const dy = pointer(0) + at, y = pointer(1) + at;
    // Up to the next multiple of four: what follows is added to sums that nobody reads.
    for (let j: usize = 0; j < <usize>n << 2; j += 16) {
      const v = log ? v128.load(dy + j) : f32x4.mul(v128.load(dy + j), v128.load(y + j));
      const sum = sums + (j << 1);
      v128.store(sum, f64x2.add(v128.load(sum), f64x2.promote_low_f32x4(v)));
      const high = f64x2.promote_low_f32x4(v128.shuffle<i32>(v, v, 2, 3, 2, 3));
      v128.store(sum, f64x2.add(v128.load(sum, 16), high), 16);
    }
    at += <usize>I << 2;
  }
  for (let j: usize = 0; j < <usize>n; j++) store<f32>(narrowed + (j << 2), <f32>load<f64>(sums + (j << 3)));
  at = first;
  for (let row = 0; row < N; row++) {
    const dy = pointer(0) + at, y = pointer(1) + at, dx = pointer(2) + at;
    let j: usize = 0;
    for (; j < <usize>(n & ~3) << 2; j += 16) {
      v128.store(dx + j, slope(v128.load(dy + j), v128.load(y + j), v128.load(narrowed + j), log));
    }
    for (; j < <usize>n << 2; j += 4) {
      const sum = v128.load32_splat(narrowed + j);
      v128.store32_lane(dx + j, slope(v128.load32_splat(dy + j), v128.load32_splat(y + j), sum, log), 0);
    }
    at += <usize>I << 2;
  }
}
