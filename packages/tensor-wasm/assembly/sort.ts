/**
 * Sorting of (O,N,I) along N: by radix, on pairs of a key (whose order as an unsigned number is that of the values) and a
 * place, from the lowest digit to the highest, each time keeping the order of equals; short rows by ranks. Rows are sorted
 * by the threads, one each; one long row by all of them: every chunk counts its digits, the counts become places, every
 * chunk moves its pairs.
 * A stable order is unique, so that no bit of the result depends on how the work is cut.
 */
import { int, pointer } from "./control";

/** Values of a digit of 8 bits. */
const DIGITS: i32 = 256;
/** Bytes of a chunk's counts. */
const COUNTS: usize = 1024;
/** Rows up to this long are sorted by ranks. */
const SHORT: i32 = 128;

/** Its order as a u32 is the value's. Of zeros there is one, and one NaN, the largest. */
// @ts-ignore: decorator
@inline
export function keyOf(bits: u32, int32: bool, descending: bool): u32 {
  let key: u32;
  if (int32) key = bits ^ 0x80000000;
  else if ((bits & 0x7fffffff) > 0x7f800000) key = 0xffffffff;
  else if (bits & 0x80000000) key = bits == 0x80000000 ? 0x80000000 : ~bits;
  else key = bits | 0x80000000;
  return descending ? ~key : key;
}

/** Pairs from `n` values, `stride` bytes apart; the first has place `place`. */
function makePairs(x: usize, stride: usize, n: i32, place: i32, to: usize, int32: bool, descending: bool): void {
  for (let i = 0; i < n; i++) {
    store<u32>(to, place + i);
    store<u32>(to, keyOf(load<u32>(x), int32, descending), 4);
    x += stride;
    to += 8;
  }
}

/** Values, which lie where the pairs' places say from `x` on, and places. */
function takePairs(pairs: usize, n: i32, x: usize, stride: usize, values: usize, indices: usize, int32: bool, descending: bool): void {
  for (let i = 0; i < n; i++) {
    const place = load<u32>(pairs);
    let key = load<u32>(pairs, 4);
    if (descending) key = ~key;
    let bits: u32;
    if (int32) bits = key ^ 0x80000000;
    // A zero has lost its sign, a NaN all its bits.
    else if (key == 0x80000000 || key == 0xffffffff) bits = load<u32>(x + <usize>place * stride);
    else bits = key & 0x80000000 ? key ^ 0x80000000 : ~key;
    store<u32>(values, bits);
    store<u32>(indices, place);
    pairs += 8;
    values += stride;
    indices += stride;
  }
}

/** Keys in whose order as i32 the values are, of a row of 4-byte values that lie side by side; up to three more behind them. */
function signedKeys(x: usize, n: i32, to: usize, int32: bool, descending: bool): void {
  const turn = i32x4.splat(descending ? -1 : 0);
  for (const end = x + (<usize>n << 2); x < end; x += 16) {
    let key = v128.load(x);
    if (!int32) {
      const nan = f32x4.ne(key, key);
      // −0 + 0 is 0.
      key = f32x4.add(key, f32x4.splat(0));
      key = v128.xor(key, i32x4.shr_u(i32x4.shr_s(key, 31), 1));
      key = v128.bitselect(i32x4.splat(i32.MAX_VALUE), key, nan);
    }
    v128.store(to, v128.xor(key, turn));
    to += 16;
  }
}

/**
 * A short row, by the place that each value has in the order: as many as are less, or equal and before it. Eight values at
 * a time are held against all. `keys` has room for the row, and once more.
 */
function rankRow(x: usize, n: i32, stride: usize, values: usize, indices: usize, keys: usize, int32: bool, descending: bool): void {
  const row = keys + (<usize>((n + 7) & ~7) << 2);
  if (stride == 4) signedKeys(x, n, keys, int32, descending);
  else {
    for (let i = 0; i < n; i++) store<u32>(row + (<usize>i << 2), load<u32>(x + <usize>i * stride));
    signedKeys(row, n, keys, int32, descending);
  }
  const end = keys + (<usize>n << 2);
  for (let i = 0; i < n; i += 8) {
    const here = keys + (<usize>i << 2), m = min(8, n - i);
    const low = v128.load(here), high = v128.load(here, 16);
    // Of those before it, which are less or equal: all but those that are more.
    let lowRank = i32x4.splat(i), highRank = lowRank, j = keys;
    for (; j < here; j += 4) {
      const other = v128.load32_splat(j);
      lowRank = i32x4.add(lowRank, i32x4.gt_s(other, low));
      highRank = i32x4.add(highRank, i32x4.gt_s(other, high));
    }
    for (let k = 0; k < m; k++) {
      const other = v128.load32_splat(j);
      lowRank = i32x4.sub(lowRank, isAfter(low, i32x4(0, 1, 2, 3), other, k));
      highRank = i32x4.sub(highRank, isAfter(high, i32x4(4, 5, 6, 7), other, k));
      j += 4;
    }
    for (; j < end; j += 4) {
      const other = v128.load32_splat(j);
      lowRank = i32x4.sub(lowRank, i32x4.gt_s(low, other));
      highRank = i32x4.sub(highRank, i32x4.gt_s(high, other));
    }
    v128.store(row, lowRank);
    v128.store(row, highRank, 16);
    for (let k = 0; k < m; k++) {
      const to = <usize>load<u32>(row + (<usize>k << 2)) * stride;
      store<u32>(values + to, load<u32>(x + <usize>(i + k) * stride));
      store<u32>(indices + to, i + k);
    }
  }
}

/** Which keys, at these places, come after another one at place `k`. */
// @ts-ignore: decorator
@inline
export function isAfter(keys: v128, places: v128, other: v128, k: i32): v128 {
  const behind = i32x4.gt_s(places, i32x4.splat(k));
  return v128.or(i32x4.gt_s(keys, other), v128.and(behind, i32x4.eq(keys, other)));
}

/** Counts of the digit that begins at bit `shift`. */
function count(pairs: usize, n: i32, shift: u64, counts: usize): void {
  memory.fill(counts, 0, COUNTS);
  for (const end = pairs + (<usize>n << 3); pairs < end; pairs += 8) {
    const at = counts + ((<usize>(load<u64>(pairs) >> shift) & 255) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
}

/** Pairs to the places that `counts` say, which move on. */
function move(pairs: usize, n: i32, shift: u64, counts: usize, to: usize): void {
  for (const end = pairs + (<usize>n << 3); pairs < end; pairs += 8) {
    const pair = load<u64>(pairs);
    const at = counts + ((<usize>(pair >> shift) & 255) << 2);
    const place = load<u32>(at);
    store<u32>(at, place + 1);
    store<u64>(to + (<usize>place << 3), pair);
  }
}

/**
 * Counts of `chunks` chunks become the places where each chunk's pairs of each digit begin. True where all pairs have one
 * digit, so that there is nothing to do.
 */
function placesOf(counts: usize, chunks: i32, n: i32): bool {
  let total: u32 = 0;
  for (let digit: usize = 0; digit < <usize>DIGITS; digit++) {
    const before = total;
    for (let chunk = 0; chunk < chunks; chunk++) {
      const at = counts + <usize>chunk * COUNTS + (digit << 2);
      const own = load<u32>(at);
      store<u32>(at, total);
      total += own;
    }
    if (total - before == <u32>n) return true;
  }
  return false;
}

/**
 * Unit: a row. ints: x, values, indices, N, I, 1 for int32, 1 for descending, scratch memory for two times N pairs and
 * counts, its bytes a thread.
 */
export function sortRows(unit: i32, thread: i32): void {
  const N = int(3), I = int(4), int32 = int(5) != 0, descending = int(6) != 0;
  const first = (<usize>((unit / I) * N) * <usize>I + <usize>(unit % I)) << 2, stride = <usize>I << 2;
  const x = pointer(0) + first, values = pointer(1) + first, indices = pointer(2) + first;
  const counts = pointer(7) + <usize>thread * <usize>pointer(8);
  let pairs = counts + COUNTS, other = pairs + (<usize>N << 3);
  if (N <= SHORT) return rankRow(x, N, stride, values, indices, pairs, int32, descending);
  makePairs(x, stride, N, 0, pairs, int32, descending);
  for (let shift: u64 = 32; shift < 64; shift += 8) {
    count(pairs, N, shift, counts);
    if (placesOf(counts, 1, N)) continue;
    move(pairs, N, shift, counts, other);
    const before = pairs;
    pairs = other;
    other = before;
  }
  takePairs(pairs, N, x, stride, values, indices, int32, descending);
}

/** The pairs of one long row. Unit: a chunk. ints: x, pairs, N, I, 1 for int32, 1 for descending, length of a chunk. */
export function sortPairs(unit: i32): void {
  const stride = <usize>int(3) << 2, from = unit * int(6);
  const n = min(int(6), int(2) - from);
  makePairs(pointer(0) + <usize>from * stride, stride, n, from, pointer(1) + (<usize>from << 3), int(4) != 0, int(5) != 0);
}

/** Unit: a chunk. ints: pairs, N, shift, counts, length of a chunk. */
export function sortCount(unit: i32): void {
  const from = unit * int(4);
  const counts = pointer(3) + <usize>unit * COUNTS;
  count(pointer(0) + (<usize>from << 3), min(int(4), int(1) - from), <u64>int(2), counts);
}

/** ints: counts, chunks, N. */
export function sortPlaces(): void {
  placesOf(pointer(0), int(1), -1);
}

/** Unit: a chunk. ints: pairs, N, shift, counts, length of a chunk, where to. */
export function sortMove(unit: i32): void {
  const from = unit * int(4);
  const counts = pointer(3) + <usize>unit * COUNTS;
  move(pointer(0) + (<usize>from << 3), min(int(4), int(1) - from), <u64>int(2), counts, pointer(5));
}

/** Unit: a chunk. ints: x, pairs, N, I, 1 for int32, 1 for descending, length of a chunk, values, indices. */
export function sortTake(unit: i32): void {
  const stride = <usize>int(3) << 2, from = unit * int(6);
  const n = min(int(6), int(2) - from), at = <usize>from * stride;
  const pairs = pointer(1) + (<usize>from << 3);
  takePairs(pairs, n, pointer(0), stride, pointer(7) + at, pointer(8) + at, int(4) != 0, int(5) != 0);
}
