/**
 * The gradient of attention, in tiles of queries by keys. A unit is one whole head, so that every sum is made by one
 * thread in one order. P and dS lie query by query: transposed, as dv and dk take them, they are read where they lie.
 */
import { seenBy } from "./attention";
import { float, int, pointer, tileOf, ZEROS } from "./control";
import { micro, packA, packColumns, packRows, tile } from "./gemm";
import { polynomial, powersOf, reduce } from "./exp";
import { constant, splat, sumLanes } from "./simd";

/** Queries and keys of a tile: a multiple of 6 and 8. */
const SIDE: i32 = 48;
/** Bytes of a row of scores: those of one query. */
const SCORE_ROW: usize = 192;

/**
 * dq, dk and dv of one head.
 * ints: dy, q, k, v, y, lse, dq, dk, dv, B, Tq, Tk, C, H, scratch, its bytes a thread, 1 to add to dq, dk, dv;
 * floats: 1/√D.
 * Scratch, with Tq6 and D8 rounded up to 6 and 8: q and dy by rows of A (Tq6,D each) and as B (Tq,D8 each), the tile's
 * keys and values by columns (D,48 each) and its keys as B (48,D8), P and dS (48,48 each), six packed rows of dS, lse
 * and Σ dy·y (Tq each).
 */
export function attentionGrad(unit: i32, thread: i32): void {
  const Tq = int(10), Tk = int(11), C = int(12), H = int(13);
  const scale = float(0);
  const D = C / H;
  const wide = (D + 7) & ~7;
  const T6 = (Tq + 5) / 6 * 6;
  const b = unit / H, h = unit % H;
  const row = <usize>C << 2;
  const atQ = (<usize>(b * Tq) * <usize>C + <usize>(h * D)) * 4;
  const atK = (<usize>(b * Tk) * <usize>C + <usize>(h * D)) * 4;
  const dy = pointer(0) + atQ, q = pointer(1) + atQ, y = pointer(4) + atQ, dq = pointer(6) + atQ;
  const k = pointer(2) + atK, v = pointer(3) + atK, dk = pointer(7) + atK, dv = pointer(8) + atK;
  const qPanels = pointer(14) + <usize>thread * <usize>pointer(15);
  const dyPanels = qPanels + <usize>(T6 * D) * 4;
  const qRows = dyPanels + <usize>(T6 * D) * 4;
  const dyRows = qRows + <usize>(Tq * wide) * 4;
  const kColumns = dyRows + <usize>(Tq * wide) * 4;
  const vColumns = kColumns + <usize>(D * SIDE) * 4;
  const kRows = vColumns + <usize>(D * SIDE) * 4;
  const P = kRows + <usize>(SIDE * wide) * 4;
  const dS = P + <usize>SIDE * SCORE_ROW;
  const six = dS + <usize>SIDE * SCORE_ROW;
  const delta = six + 6 * SCORE_ROW;
  const lse = pointer(5) + (<usize>(unit * Tq) << 2);

  if (!int(16)) zeroRows(dq, Tq, D, row);
  if (!int(17)) zeroRows(dk, Tk, D, row);
  if (!int(18)) zeroRows(dv, Tk, D, row);
  packA(Tq, D, q, row, qPanels);
  packA(Tq, D, dy, row, dyPanels);
  for (let i0 = 0; i0 < Tq; i0 += SIDE) {
    const rows = min(SIDE, Tq - i0);
    packRows(rows, D, q + <usize>i0 * row, row, qRows + <usize>(i0 * wide) * 4);
    packRows(rows, D, dy + <usize>i0 * row, row, dyRows + <usize>(i0 * wide) * 4);
  }
  for (let i = 0; i < Tq; i++) {
    store<f32>(delta + (<usize>i << 2), dot(dy + <usize>i * row, y + <usize>i * row, D));
  }

  const past = Tk - Tq;
  const whole = tileOf(thread);
  for (let j0 = 0; j0 < Tk; j0 += SIDE) {
    const columns = min(SIDE, Tk - j0);
    const from = <usize>j0 * row;
    packColumns(D, columns, k + from, row, kColumns);
    packColumns(D, columns, v + from, row, vColumns);
    packRows(columns, D, k + from, row, kRows);
    for (let i0 = max(0, j0 - past) / SIDE * SIDE; i0 < Tq; i0 += SIDE) {
      const rows = min(SIDE, Tq - i0);
      // Query i of the tile sees its keys 0 to i + ahead.
      const ahead = i0 + past - j0;
      for (let i = 0; i < rows; i += 6) {
        const seen = seenBy(i, rows, columns, ahead);
        if (seen == 0) continue;
        const scores = <usize>i * SCORE_ROW, panel = <usize>((i0 + i) * D) * 4;
        for (let c = 0; c < seen; c += 8) {
          const to = scores + (<usize>c << 2), b = <usize>(c * D) * 4;
          micro(D, qPanels + panel, 24, kColumns + b, ZEROS, 0, P + to, SCORE_ROW);
          micro(D, dyPanels + panel, 24, vColumns + b, ZEROS, 0, dS + to, SCORE_ROW);
        }
        const live = min(6, rows - i);
        for (let r = i; r < i + live; r++) {
          const at = <usize>r * SCORE_ROW, query = <usize>(i0 + r) << 2;
          const visible = max(0, min(columns, r + ahead + 1));
          gradRow(P + at, dS + at, visible, scale, load<f32>(lse + query), load<f32>(delta + query), thread);
        }
        packA(live, seen, dS + scores, SCORE_ROW, six);
        for (let d = 0; d < D; d += 8) {
          const to = dq + <usize>(i0 + i) * row + (<usize>d << 2);
          tile(seen, six, 24, live, min(8, D - d), kRows + <usize>(d * columns) * 4, to, row, to, row, whole);
        }
      }
      for (let j = 0; j < columns; j += 6) {
        // The first query that sees any of these keys.
        const first = max(0, j - ahead);
        if (first >= rows) break;
        const a = <usize>first * SCORE_ROW + (<usize>j << 2);
        const live = min(6, columns - j);
        for (let d = 0; d < D; d += 8) {
          const to = from + <usize>j * row + (<usize>d << 2);
          const panel = (<usize>(i0 * wide + d * rows) << 2) + (<usize>first << 5);
          const wideAs = min(8, D - d);
          tile(rows - first, P + a, SCORE_ROW, live, wideAs, dyRows + panel, dv + to, row, dv + to, row, whole);
          tile(rows - first, dS + a, SCORE_ROW, live, wideAs, qRows + panel, dk + to, row, dk + to, row, whole);
        }
      }
    }
  }
}

/**
 * For one query: p = exp(s·scale − lse), ds = p·(dp − delta)·scale; 0 after its last visible key, as far as a tile of six
 * keys that begins with a visible one may read.
 */
function gradRow(p: usize, ds: usize, visible: i32, scale: f32, lse: f32, delta: f32, thread: i32): void {
  const powers = powersOf(thread);
  const scale4 = splat(scale), lse4 = splat(lse), delta4 = splat(delta);
  const end = <usize>((visible + 3) & ~3) << 2;
  const least = constant(0), most = constant(1), log2e = constant(2), rounder = constant(3);
  const ln2High = constant(4), ln2Low = constant(5), one = constant(12);
  for (let at: usize = 0; at < end; at += 16) {
    const value = f32x4.sub(f32x4.mul(v128.load(p + at), scale4), lse4);
    reduce(value, p + at, powers + at, least, most, log2e, rounder, ln2High, ln2Low, one);
  }
  const p5 = constant(6), p4 = constant(7), p3 = constant(8), p2 = constant(9), p1 = constant(10), p0 = constant(11);
  let left = i32x4.sub(i32x4.splat(visible), i32x4(0, 1, 2, 3));
  for (let at: usize = 0; at < end; at += 16) {
    const seen = i32x4.gt_s(left, i32x4.splat(0));
    const e = f32x4.mul(polynomial(v128.load(p + at), p5, p4, p3, p2, p1, p0, one), v128.load(powers + at));
    const probability = v128.and(e, seen);
    v128.store(p + at, probability);
    const d = f32x4.mul(f32x4.mul(probability, f32x4.sub(v128.load(ds + at), delta4)), scale4);
    v128.store(ds + at, v128.and(d, seen));
    left = i32x4.sub(left, i32x4.splat(4));
  }
  for (let at = end; at < min(SCORE_ROW, end + 32); at += 16) {
    v128.store(p + at, splat(0));
    v128.store(ds + at, splat(0));
  }
}

function zeroRows(x: usize, rows: i32, n: i32, row: usize): void {
  for (; rows > 0; rows--) {
    let i = 0;
    for (; i + 4 <= n; i += 4) v128.store(x + (<usize>i << 2), splat(0));
    for (; i < n; i++) store<f32>(x + (<usize>i << 2), 0);
    x += row;
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
