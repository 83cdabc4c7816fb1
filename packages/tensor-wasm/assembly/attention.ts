/**
 * Causal attention without a T×T matrix: tiles of queries by keys with a running softmax, forward (Dao et al. 2022),
 * and tiles of keys by queries, backward. A unit of the forward is one block of queries of one head, of the backward
 * one whole head, so that every sum is made by one thread in one order.
 */
import { float, int, pointer, tileOf, ZEROS } from "./control";
import { microRows, packColumns, packRows, tileColumns, tileRows } from "./gemm";
import { expRow, expRun } from "./exp";
import { exp1, ln, maxOf, scaleBy, splat, sumLanes } from "./simd";

/** Queries of a forward tile (keys of a backward tile): a multiple of 6. */
const ROWS: i32 = 48;
/** Keys of a forward tile (queries of a backward tile): a multiple of 8. */
const COLUMNS: i32 = 64;

/** Bytes of a row of scores. */
const SCORE_ROW: usize = 256;

/** How many of a tile's keys the last of rows i to i + 5 sees, where row 0 sees keys 0 to `ahead`. */
// @ts-ignore: decorator
@inline
export function seenBy(i: i32, rows: i32, columns: i32, ahead: i32): i32 {
  return max(0, min(columns, ahead + min(i + 6, rows)));
}

/**
 * ints: q, k, v, y, lse, B, Tq, Tk, C, H, rows of the cache, scratch, its bytes a thread; floats: 1/√D.
 * Scratch: packed keys (D,64), packed values (64,D8), scores (48,64), out (48,D8), running max and sum (48 each).
 */
export function attention(unit: i32, thread: i32): void {
  const Tq = int(6), Tk = int(7), C = int(8), H = int(9), capacity = int(10);
  const scale = float(0);
  const D = C / H;
  const wide = (D + 7) & ~7;
  const blocks = (Tq + ROWS - 1) / ROWS;
  const head = unit / blocks;
  const i0 = (unit % blocks) * ROWS;
  const b = head / H, h = head % H;
  const rows = min(ROWS, Tq - i0);
  const row = <usize>C << 2;
  const q = pointer(0) + (<usize>(b * Tq + i0) * <usize>C + <usize>(h * D)) * 4;
  const keys = pointer(1) + (<usize>(b * capacity) * <usize>C + <usize>(h * D)) * 4;
  const values = pointer(2) + (<usize>(b * capacity) * <usize>C + <usize>(h * D)) * 4;
  const packedK = pointer(11) + <usize>thread * <usize>pointer(12);
  const packedV = packedK + <usize>(D * COLUMNS) * 4;
  const scores = packedV + <usize>(COLUMNS * wide) * 4;
  const out = scores + ROWS * COLUMNS * 4;
  const outRow = <usize>wide << 2;
  const tops = out + <usize>ROWS * outRow;
  const sums = tops + ROWS * 4;
  memory.fill(out, 0, <usize>rows * outRow);
  for (let r = 0; r < rows; r++) {
    store<f32>(tops + (<usize>r << 2), -Infinity);
    store<f32>(sums + (<usize>r << 2), 0);
  }
  // Query i sees keys 0 to i + Tk − Tq.
  const past = Tk - Tq;
  const last = i0 + rows + past;
  for (let j0 = 0; j0 < last; j0 += COLUMNS) {
    const columns = min(COLUMNS, last - j0);
    const from = <usize>j0 * row;
    packColumns(D, columns, keys + from, row, packedK);
    packRows(columns, D, values + from, row, packedV);
    for (let i = 0; i < rows; i += 6) {
      const seen = seenBy(i, rows, columns, i0 + past - j0);
      const a = q + <usize>i * row;
      const to = scores + <usize>i * SCORE_ROW;
      for (let j = 0; j < seen; j += 8) {
        const at = <usize>j << 2;
        microRows(D, a, row, rows - i, packedK + at * <usize>D, ZEROS, 0, to + at, SCORE_ROW);
      }
    }
    for (let r = 0; r < rows; r++) {
      const visible = min(columns, i0 + r + past + 1 - j0);
      const at = scores + <usize>r * SCORE_ROW;
      if (visible > 0) {
        const row4 = <usize>r << 2;
        softmaxStep(at, visible, scale, tops + row4, sums + row4, out + <usize>r * outRow, D, thread);
      }
      const seen = seenBy(r - (r % 6), rows, columns, i0 + past - j0);
      for (let c = max(visible, 0); c < seen; c++) store<f32>(at + (<usize>c << 2), 0);
    }
    for (let i = 0; i < rows; i += 6) {
      const seen = seenBy(i, rows, columns, i0 + past - j0);
      const a = scores + <usize>i * SCORE_ROW;
      for (let d = 0; d < D; d += 8) {
        const to = out + <usize>i * outRow + (<usize>d << 2);
        microRows(seen, a, SCORE_ROW, 6, packedV + <usize>(d * columns) * 4, to, outRow, to, outRow);
      }
    }
  }
  for (let r = 0; r < rows; r++) {
    const sum = load<f32>(sums + (<usize>r << 2));
    const y = pointer(3) + (<usize>(b * Tq + i0 + r) * <usize>C + <usize>(h * D)) * 4;
    const from = out + <usize>r * outRow;
    scaleBy(from, D, 1 / sum);
    memory.copy(y, from, <usize>D << 2);
    const lse = <f64>load<f32>(tops + (<usize>r << 2)) + ln(<f64>sum);
    store<f32>(pointer(4) + (<usize>(head * Tq + i0 + r) << 2), <f32>lse);
  }
}

/** Turns one row of scores into exp(scale·s − top) and rescales what was summed under an older maximum. */
function softmaxStep(
  s: usize, n: i32, scale: f32, topAt: usize, sumAt: usize, out: usize, D: i32, thread: i32,
): void {
  const before = load<f32>(topAt);
  const top = max(before, maxOf(s, n) * scale);
  let sum = expRow(s, n, scale, top, thread);
  if (top != before) {
    const shrink = exp1(before - top);
    scaleBy(out, D, shrink);
    sum += load<f32>(sumAt) * shrink;
    store<f32>(topAt, top);
  } else sum += load<f32>(sumAt);
  store<f32>(sumAt, sum);
}

/**
 * One head: dq, dk and dv of it, added to what the outputs hold (the host zeroes new ones).
 * ints: dy, q, k, v, y, lse, dq, dk, dv, B, Tq, Tk, C, H, scratch, its bytes a thread; floats: 1/√D.
 * Scratch, with Tq8 and D8 rounded up to 8: q and dy packed by columns (D,Tq8 each) and by rows (Tq,D8 each), packed
 * keys (48,D8), P and dS (48,64 each), lse and Σ dy·y (Tq8 each).
 */
export function attentionGrad(unit: i32, thread: i32): void {
  const Tq = int(10), Tk = int(11), C = int(12), H = int(13);
  const scale = float(0);
  const D = C / H;
  const wide = (D + 7) & ~7;
  const T8 = (Tq + 7) & ~7;
  const b = unit / H, h = unit % H;
  const row = <usize>C << 2;
  const atQ = (<usize>(b * Tq) * <usize>C + <usize>(h * D)) * 4;
  const atK = (<usize>(b * Tk) * <usize>C + <usize>(h * D)) * 4;
  const dy = pointer(0) + atQ, q = pointer(1) + atQ, y = pointer(4) + atQ, dq = pointer(6) + atQ;
  const k = pointer(2) + atK, v = pointer(3) + atK, dk = pointer(7) + atK, dv = pointer(8) + atK;
  const qColumns = pointer(14) + <usize>thread * <usize>pointer(15);
  const dyColumns = qColumns + <usize>(D * T8) * 4;
  const qRows = dyColumns + <usize>(D * T8) * 4;
  const dyRows = qRows + <usize>(Tq * wide) * 4;
  const kRows = dyRows + <usize>(Tq * wide) * 4;
  const P = kRows + <usize>(ROWS * wide) * 4;
  const dS = P + ROWS * COLUMNS * 4;
  const lse = dS + ROWS * COLUMNS * 4;
  const delta = lse + <usize>T8 * 4;

  packColumns(D, Tq, q, row, qColumns);
  packColumns(D, Tq, dy, row, dyColumns);
  for (let i0 = 0; i0 < Tq; i0 += COLUMNS) {
    const columns = min(COLUMNS, Tq - i0);
    packRows(columns, D, q + <usize>i0 * row, row, qRows + <usize>(i0 * wide) * 4);
    packRows(columns, D, dy + <usize>i0 * row, row, dyRows + <usize>(i0 * wide) * 4);
  }
  memory.copy(lse, pointer(5) + (<usize>(unit * Tq) << 2), <usize>Tq << 2);
  for (let i = 0; i < Tq; i++) {
    store<f32>(delta + (<usize>i << 2), dot(dy + <usize>i * row, y + <usize>i * row, D));
  }

  const past = Tk - Tq;
  const tile = tileOf(thread);
  for (let j0 = 0; j0 < Tk; j0 += ROWS) {
    const rows = min(ROWS, Tk - j0);
    const from = <usize>j0 * row;
    packRows(rows, D, k + from, row, kRows);
    for (let i0 = max(0, j0 - past) & ~(COLUMNS - 1); i0 < Tq; i0 += COLUMNS) {
      const columns = min(COLUMNS, Tq - i0);
      const at = <usize>(i0 * D) * 4;
      // Query i0 sees keys j0 to j0 + ahead.
      const ahead = i0 + past - j0;
      const offset = <usize>i0 << 2, rowsAt = <usize>(i0 * wide) * 4;
      for (let r = 0; r < rows; r += 6) {
        const live = min(6, rows - r);
        // The first query, in whole panels, that sees any of these keys.
        const first = max(0, r - ahead) & ~7;
        if (first >= columns) continue;
        const key = from + <usize>r * row;
        const scores = <usize>r * SCORE_ROW;
        for (let c = first; c < columns; c += 8) {
          const to = scores + (<usize>c << 2), panel = at + <usize>(c * D) * 4;
          microRows(D, k + key, row, live, qColumns + panel, ZEROS, 0, P + to, SCORE_ROW);
          microRows(D, v + key, row, live, dyColumns + panel, ZEROS, 0, dS + to, SCORE_ROW);
        }
        const begin = <usize>first << 2;
        for (let i = 0; i < live; i++) {
          const to = scores + <usize>i * SCORE_ROW + begin;
          const seen = r + i - ahead - first;
          gradStep(P + to, dS + to, columns - first, seen, scale, lse + offset + begin, delta + offset + begin, thread);
          // A tile of dq may begin up to five queries before the first that sees this key.
          if (first) {
            v128.store(dS + to - 32, splat(0));
            v128.store(dS + to - 16, splat(0));
          }
        }
        const a = scores + begin;
        for (let d = 0; d < D; d += 8) {
          const to = key + (<usize>d << 2), panel = rowsAt + <usize>(d * columns + first * 8) * 4;
          const wideAs = min(8, D - d);
          addTileRows(columns - first, P + a, live, wideAs, dyRows + panel, dv + to, row, tile);
          addTileRows(columns - first, dS + a, live, wideAs, qRows + panel, dk + to, row, tile);
        }
      }
      for (let i = 0; i < columns; i += 6) {
        const seen = seenBy(i, columns, rows, ahead);
        if (seen == 0) continue;
        for (let d = 0; d < D; d += 8) {
          const to = dq + <usize>(i0 + i) * row + (<usize>d << 2);
          const a = dS + (<usize>i << 2), b = kRows + <usize>(d * rows) * 4;
          tileColumns(seen, a, SCORE_ROW, min(6, columns - i), min(8, D - d), b, to, row, to, row, tile);
        }
      }
    }
  }
}

/** A tile of C += rows of scores · one packed panel. */
function addTileRows(
  kc: i32, a: usize, rows: i32, columns: i32, b: usize, c: usize, ldc: usize, tile: usize,
): void {
  tileRows(kc, a, SCORE_ROW, rows, columns, b, c, ldc, c, ldc, tile);
}

/** For one key: p = exp(s·scale − lse), ds = p·(dp − delta)·scale; 0 before column `first`. May run to a multiple of 4. */
function gradStep(
  p: usize, ds: usize, n: i32, first: i32, scale: f32, lse: usize, delta: usize, thread: i32,
): void {
  const scale4 = splat(scale), first4 = i32x4.splat(first);
  const end = <usize>n << 2;
  for (let at: usize = 0; at < end; at += 16) {
    v128.store(p + at, f32x4.sub(f32x4.mul(v128.load(p + at), scale4), v128.load(lse + at)));
  }
  expRun(p, n, thread);
  let index = i32x4(0, 1, 2, 3);
  for (let at: usize = 0; at < end; at += 16) {
    const seen = i32x4.ge_s(index, first4);
    const probability = v128.and(v128.load(p + at), seen);
    v128.store(p + at, probability);
    const d = f32x4.mul(f32x4.mul(probability, f32x4.sub(v128.load(ds + at), v128.load(delta + at))), scale4);
    v128.store(ds + at, v128.and(d, seen));
    index = i32x4.add(index, i32x4.splat(4));
  }
}

function dot(a: usize, b: usize, n: i32): f32 {
  let total = splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const at = <usize>i << 2;
    total = f32x4.add(total, f32x4.mul(v128.load(a + at), v128.load(b + at)));
  }
  let sum = sumLanes(total);
  for (; i < n; i++) sum += load<f32>(a + (<usize>i << 2)) * load<f32>(b + (<usize>i << 2));
  return sum;
}

/** Unit: one batch entry. ints: cache, rows, bytes of a batch entry's rows, of its cache, where in the cache. */
export function writeRows(unit: i32): void {
  const bytes = <usize>pointer(2);
  memory.copy(pointer(0) + <usize>unit * <usize>pointer(3) + <usize>pointer(4), pointer(1) + <usize>unit * bytes, bytes);
}
