/**
 * The language-model head and its loss. The host goes through the vocabulary in chunks whose weights it has packed;
 * a unit is a block of rows, whose logits it makes tile by tile in its thread's scratch with a running maximum and sum.
 */
import { int, pointer } from "./control";
import { blockLength, blockRows } from "./gemm";
import { exp1, exp4, ln, maxOf, splat, sumLanes } from "./simd";

const BLOCK: i32 = 48;
const TILE: i32 = 512;

/** Logits (rows, columns) of rows from n0 and packed columns from j0, into `to` with ld bytes a row. */
function logits(
  x: usize, C: i32, n0: i32, rows: i32, packed: usize, padded: i32, j0: i32, columns: i32, bias: usize, to: usize,
  ld: usize, thread: i32,
): void {
  const length = blockLength(C);
  for (let k = 0; k < C; k += length) {
    const kc = min(length, C - k);
    const b = packed + (<usize>k * <usize>padded + <usize>j0 * <usize>kc) * 4;
    const a = x + ((<usize>n0 * <usize>C + <usize>k) << 2);
    const biasAt = bias && k == 0 ? bias + (<usize>j0 << 2) : 0;
    blockRows(rows, columns, kc, a, <usize>C << 2, b, to, ld, k > 0, biasAt, thread);
  }
}

/**
 * One chunk of the vocabulary: running maximum in lse, running sum in loss, the target's logit in `hit`.
 * ints: x, N, C, packed w chunk, its columns, its first id, bias at the first id or 0, targets, loss, lse, hit,
 * 1 for the first chunk, scratch, its bytes a thread.
 */
export function crossEntropyChunk(unit: i32, thread: i32): void {
  const C = int(2), width = int(4), first = int(5), targets = pointer(7);
  const sums = pointer(8), maxima = pointer(9), hits = pointer(10);
  const scratch = pointer(12) + <usize>thread * <usize>pointer(13);
  const n0 = unit * BLOCK;
  const rows = min(BLOCK, int(1) - n0);
  if (int(11)) {
    for (let n = n0; n < n0 + rows; n++) {
      const at = <usize>n << 2;
      store<f32>(sums + at, 0);
      store<f32>(maxima + at, -Infinity);
      store<f32>(hits + at, 0);
    }
  }
  for (let j = 0; j < width; j += TILE) {
    const columns = min(TILE, width - j);
    logits(pointer(0), C, n0, rows, pointer(3), (width + 7) & ~7, j, columns, pointer(6), scratch, TILE * 4, thread);
    for (let r = 0; r < rows; r++) {
      const at = <usize>(n0 + r) << 2;
      const row = scratch + <usize>r * (TILE * 4);
      const target = load<i32>(targets + at) - first - j;
      if (target >= 0 && target < columns) store<f32>(hits + at, load<f32>(row + (<usize>target << 2)));
      const before = load<f32>(maxima + at);
      const top = max(before, maxOf(row, columns));
      const sum = load<f32>(sums + at) * exp1(before - top);
      store<f32>(sums + at, sum + sumExp(row, columns, top));
      store<f32>(maxima + at, top);
    }
  }
}

/** Σ exp(x − top). */
function sumExp(x: usize, n: i32, top: f32): f32 {
  const top4 = splat(top);
  let total = splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4) total = f32x4.add(total, exp4(f32x4.sub(v128.load(x + (<usize>i << 2)), top4)));
  let sum = sumLanes(total);
  for (; i < n; i++) sum += exp1(load<f32>(x + (<usize>i << 2)) - top);
  return sum;
}

/** From running values to results. ints: loss, lse, hit, N. */
export function crossEntropyEnd(): void {
  const sums = pointer(0), maxima = pointer(1), hits = pointer(2), N = int(3);
  for (let n = 0; n < N; n++) {
    const at = <usize>n << 2;
    const lse = <f64>load<f32>(maxima + at) + ln(<f64>load<f32>(sums + at));
    store<f32>(maxima + at, <f32>lse);
    store<f32>(sums + at, <f32>(lse - <f64>load<f32>(hits + at)));
  }
}

/**
 * dlogits of a chunk of the vocabulary for a block of rows, into rows of `width` floats.
 * ints: x, N, C, packed w chunk, width, its first id, bias at the first id or 0, targets, dloss, lse, dlogits.
 */
export function crossEntropyGradChunk(unit: i32, thread: i32): void {
  const C = int(2), width = int(4), first = int(5);
  const ld = <usize>width << 2;
  const n0 = unit * BLOCK;
  const rows = min(BLOCK, int(1) - n0);
  const to = pointer(10) + <usize>n0 * ld;
  for (let j = 0; j < width; j += TILE) {
    const columns = min(TILE, width - j);
    const out = to + (<usize>j << 2);
    logits(pointer(0), C, n0, rows, pointer(3), (width + 7) & ~7, j, columns, pointer(6), out, ld, thread);
    for (let r = 0; r < rows; r++) {
      const at = <usize>(n0 + r) << 2;
      const row = out + <usize>r * ld;
      const lse = load<f32>(pointer(9) + at);
      const factor = load<f32>(pointer(8) + at);
      const lse4 = splat(lse), factor4 = splat(factor);
      let i = 0;
      for (; i + 4 <= columns; i += 4) {
        const from = row + (<usize>i << 2);
        v128.store(from, f32x4.mul(factor4, exp4(f32x4.sub(v128.load(from), lse4))));
      }
      for (; i < columns; i++) {
        const from = row + (<usize>i << 2);
        store<f32>(from, factor * exp1(load<f32>(from) - lse));
      }
      const target = load<i32>(pointer(7) + at) - first - j;
      if (target >= 0 && target < columns) {
        const hit = row + (<usize>target << 2);
        store<f32>(hit, load<f32>(hit) - factor);
      }
    }
  }
}
