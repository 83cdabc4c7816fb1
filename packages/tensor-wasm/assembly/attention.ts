/**
 * Causal attention without a T×T matrix: tiles of keys by queries with a running softmax (Dao et al. 2022). A unit is one
 * block of queries of one head, so that every sum is made by one thread in one order. Scores lie key by key: four
 * queries fill a vector, each with its own maximum and sum, and the scores serve as the transposed A of scores·v.
 */
import { float, int, pointer, ZEROS } from "./control";
import { micro, packA, packColumns, packRows } from "./gemm";
import { polynomial, reduce } from "./exp";
import { constant, exp4, ln, scaleBy, splat } from "./simd";

/** Queries of a block: a multiple of 6 and 8. */
const QUERIES: i32 = 48;
/** Keys of a tile: a multiple of 6. */
const KEYS: i32 = 96;
/** Bytes of a row of scores: those of one key. */
const SCORE_ROW: usize = 192;

/** How many of a tile's keys the last of rows i to i + 5 sees, where row 0 sees keys 0 to `ahead`. */
// @ts-ignore: decorator
@inline
export function seenBy(i: i32, rows: i32, columns: i32, ahead: i32): i32 {
  return max(0, min(columns, ahead + min(i + 6, rows)));
}

/**
 * Packs the keys and values of one head, once for all its blocks of queries. Unit: a tile of keys.
 * ints: k, v, Tk, C, H, rows of the cache, packed keys, packed values (heads one after the other).
 */
export function attentionPack(unit: i32): void {
  const Tk = int(2), C = int(3), H = int(4);
  const D = C / H;
  const wide = (D + 7) & ~7;
  const tiles = (Tk + KEYS - 1) / KEYS;
  const head = unit / tiles;
  const j0 = (unit % tiles) * KEYS;
  const columns = min(KEYS, Tk - j0);
  const row = <usize>C << 2;
  const from = (<usize>((head / H) * int(5) + j0) * <usize>C + <usize>((head % H) * D)) * 4;
  packA(columns, D, pointer(0) + from, row, pointer(6) + <usize>((head * ((Tk + 5) / 6 * 6) + j0) * D) * 4);
  packRows(columns, D, pointer(1) + from, row, pointer(7) + <usize>((head * Tk + j0) * wide) * 4);
}

/**
 * ints: q, y, lse, B, Tq, Tk, C, H, packed keys, packed values, scratch, its bytes a thread; floats: 1/√D.
 * Scratch: packed queries (D,48), scores (96,48), powers of two (96,4), out (48,D8), and for each query the running
 * maximum and sum and what the tile before is scaled by (48 each).
 */
export function attention(unit: i32, thread: i32): void {
  const Tq = int(4), Tk = int(5), C = int(6), H = int(7);
  const scale = float(0);
  const D = C / H;
  const wide = (D + 7) & ~7;
  const blocks = (Tq + QUERIES - 1) / QUERIES;
  const head = unit / blocks;
  const i0 = (unit % blocks) * QUERIES;
  const b = head / H, h = head % H;
  const rows = min(QUERIES, Tq - i0);
  const row = <usize>C << 2;
  const queries = pointer(10) + <usize>thread * <usize>pointer(11);
  const scores = queries + <usize>(D * QUERIES) * 4;
  const powers = scores + <usize>KEYS * SCORE_ROW;
  const out = powers + KEYS * 16;
  const outRow = <usize>wide << 2;
  const tops = out + <usize>QUERIES * outRow;
  const sums = tops + QUERIES * 4, shrinks = sums + QUERIES * 4;
  packColumns(D, rows, pointer(0) + (<usize>(b * Tq + i0) * <usize>C + <usize>(h * D)) * 4, row, queries);
  for (let at: usize = 0; at < <usize>QUERIES * 4; at += 16) {
    v128.store(tops + at, splat(-Infinity));
    v128.store(sums + at, splat(0));
  }
  const keys = pointer(8) + <usize>(head * ((Tk + 5) / 6 * 6) * D) * 4;
  const values = pointer(9) + <usize>(head * Tk * wide) * 4;
  // Query i sees keys 0 to i + Tk − Tq.
  const past = Tk - Tq;
  const last = i0 + rows + past;
  for (let j0 = 0; j0 < last; j0 += KEYS) {
    const columns = min(KEYS, Tk - j0), ahead = i0 + past - j0;
    const tileOfKeys = keys + <usize>(j0 * D) * 4, tileOfValues = values + <usize>(j0 * wide) * 4;
    for (let c = 0; c < rows; c += 8) {
      const panel = queries + <usize>(c * D) * 4, to = scores + (<usize>c << 2);
      const seen = min(columns, ahead + c + 8);
      for (let j = 0; j < seen; j += 6) {
        micro(D, tileOfKeys + <usize>(j * D) * 4, 24, panel, ZEROS, 0, to + <usize>j * SCORE_ROW, SCORE_ROW);
      }
    }
    for (let g = 0; g < rows; g += 4) {
      const at = <usize>g << 2;
      // All four see the first `whole` keys, and each one more than the one before it.
      const whole = ahead + g + 1;
      const seen = max(0, min(columns, whole + 3));
      softmax(scores + at, seen, whole, scale, tops + at, sums + at, shrinks + at, powers);
      // The tile of six queries that the last of the four is in reads this far.
      const end = min(columns, ahead + (g + 3) / 6 * 6 + 6);
      for (let j = seen; j < end; j++) v128.store(scores + at + <usize>j * SCORE_ROW, splat(0));
    }
    for (let r = 0; r < rows && j0 > 0; r++) {
      const shrink = load<f32>(shrinks + (<usize>r << 2));
      if (shrink != 1) scaleBy(out + <usize>r * outRow, D, shrink);
    }
    for (let i = 0; i < rows; i += 6) {
      const seen = seenBy(i, rows, columns, ahead);
      if (seen == 0) continue;
      const a = scores + (<usize>i << 2);
      for (let d = 0; d < D; d += 8) {
        const to = out + <usize>i * outRow + (<usize>d << 2), panel = tileOfValues + <usize>(d * columns) * 4;
        micro(seen, a, SCORE_ROW, panel, j0 > 0 ? to : ZEROS, j0 > 0 ? outRow : 0, to, outRow);
      }
    }
  }
  for (let r = 0; r < rows; r++) {
    const sum = load<f32>(sums + (<usize>r << 2));
    const y = pointer(1) + (<usize>(b * Tq + i0 + r) * <usize>C + <usize>(h * D)) * 4;
    const from = out + <usize>r * outRow;
    scaleBy(from, D, 1 / sum);
    memory.copy(y, from, <usize>D << 2);
    const lse = <f64>load<f32>(tops + (<usize>r << 2)) + ln(<f64>sum);
    store<f32>(pointer(2) + (<usize>(head * Tq + i0 + r) << 2), <f32>lse);
  }
}

/**
 * Four queries over the first `n` keys of a tile: scores become exp(scale·s − top), 0 where causality hides the key.
 * Keeps the running maximum and sum, and what everything summed under an older maximum is to be scaled by.
 */
function softmax(
  s: usize, n: i32, whole: i32, scale: f32, topAt: usize, sumAt: usize, shrinkAt: usize, powers: usize,
): void {
  for (let j = max(0, whole); j < n; j++) {
    const at = s + <usize>j * SCORE_ROW;
    const hidden = i32x4.le_s(i32x4(0, 1, 2, 3), i32x4.splat(j - whole));
    v128.store(at, v128.bitselect(splat(-Infinity), v128.load(at), hidden));
  }
  const end = s + <usize>n * SCORE_ROW;
  let most = splat(-Infinity);
  for (let at = s; at < end; at += SCORE_ROW) most = f32x4.pmax(most, v128.load(at));
  const scale4 = splat(scale);
  const before = v128.load(topAt);
  const top = f32x4.pmax(before, f32x4.mul(most, scale4));
  const shrink = exp4(f32x4.sub(before, top));
  v128.store(topAt, top);
  v128.store(shrinkAt, shrink);

  const least = constant(0), highest = constant(1), log2e = constant(2), rounder = constant(3);
  const ln2High = constant(4), ln2Low = constant(5), one = constant(12);
  let power = powers;
  for (let at = s; at < end; at += SCORE_ROW) {
    const value = f32x4.sub(f32x4.mul(v128.load(at), scale4), top);
    reduce(value, at, power, least, highest, log2e, rounder, ln2High, ln2Low, one);
    power += 16;
  }
  const p5 = constant(6), p4 = constant(7), p3 = constant(8), p2 = constant(9), p1 = constant(10), p0 = constant(11);
  let sum = f32x4.mul(v128.load(sumAt), shrink);
  power = powers;
  for (let at = s; at < end; at += SCORE_ROW) {
    const y = f32x4.mul(polynomial(v128.load(at), p5, p4, p3, p2, p1, p0, one), v128.load(power));
    v128.store(at, y);
    sum = f32x4.add(sum, y);
    power += 16;
  }
  v128.store(sumAt, sum);
}

/** Unit: one batch entry. ints: cache, rows, bytes of a batch entry's rows, of its cache, where in the cache. */
export function writeRows(unit: i32): void {
  const bytes = <usize>pointer(2);
  memory.copy(pointer(0) + <usize>unit * <usize>pointer(3) + <usize>pointer(4), pointer(1) + <usize>unit * bytes, bytes);
}
