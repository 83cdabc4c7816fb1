/**
 * The language-model head and its loss. The host goes through the vocabulary in chunks whose weights it has packed;
 * a unit is a block of rows, whose logits it makes tile by tile in its thread's scratch with a running maximum and sum.
 */
import { int, pointer } from "./control";
import { block, blockLength, packA } from "./gemm";
import { expRow } from "./exp";
import { exp1, ln, maxOf, scaleBy } from "./simd";

const BLOCK: i32 = 48;
const TILE: i32 = 512;

/** Rows of x from n0 in panels, a block of the summed dimension after the other. */
function packBlock(x: usize, C: i32, n0: i32, rows: i32, to: usize): void {
  const length = blockLength(C);
  for (let k = 0; k < C; k += length) {
    const kc = min(length, C - k);
    packA(rows, kc, x + ((<usize>n0 * <usize>C + <usize>k) << 2), <usize>C << 2, to + <usize>(k * BLOCK) * 4);
  }
}

/** Logits (rows, columns) of packed rows and packed columns from j0, into `to` with ld bytes a row. */
function logits(
  x: usize, C: i32, rows: i32, packed: usize, padded: i32, j0: i32, columns: i32, bias: usize, to: usize, ld: usize,
  thread: i32,
): void {
  const length = blockLength(C);
  let k = 0;
  do {
    const kc = min(length, C - k);
    const b = packed + (<usize>k * <usize>padded + <usize>j0 * <usize>kc) * 4;
    const biasAt = bias && k == 0 ? bias + (<usize>j0 << 2) : 0;
    block(rows, columns, kc, x + <usize>(k * BLOCK) * 4, b, to, ld, k > 0, biasAt, thread);
    k += length;
  } while (k < C);
}

/** The running values of a row: the largest logit so far, Σ exp(logit − that), and the target's logit. */
function startRows(n0: i32, rows: i32, maxima: usize, sums: usize, hits: usize): void {
  for (let n = n0; n < n0 + rows; n++) {
    const at = <usize>n << 2;
    store<f32>(maxima + at, -Infinity);
    store<f32>(sums + at, 0);
    store<f32>(hits + at, 0);
  }
}

/** Takes a tile of row n into its running values: logits become exp(logit − the tile's largest), which is returned. */
function takeTile(row: usize, columns: i32, target: i32, at: usize, maxima: usize, sums: usize, hits: usize, thread: i32): f32 {
  if (target >= 0 && target < columns) store<f32>(hits + at, load<f32>(row + (<usize>target << 2)));
  const largest = maxOf(row, columns);
  if (largest == -Infinity) {
    memory.fill(row, 0, <usize>columns << 2);
    return largest;
  }
  const sum = expRow(row, columns, 1, largest, thread);
  const before = load<f32>(maxima + at);
  const top = max(before, largest);
  store<f32>(sums + at, load<f32>(sums + at) * exp1(before - top) + sum * exp1(largest - top));
  store<f32>(maxima + at, top);
  return largest;
}

/**
 * One chunk of the vocabulary, for the loss alone: its logits live in a tile of the thread's scratch.
 * ints: x, N, C, packed w chunk, its columns, its first id, bias at the first id or 0, targets, maxima, sums, hits,
 * scratch for a tile and packed rows of x, its bytes a thread.
 */
export function crossEntropyChunk(unit: i32, thread: i32): void {
  const C = int(2), width = int(4), first = int(5), targets = pointer(7);
  const maxima = pointer(8), sums = pointer(9), hits = pointer(10);
  const scratch = pointer(11) + <usize>thread * <usize>pointer(12);
  const x = scratch + BLOCK * TILE * 4;
  const n0 = unit * BLOCK;
  const rows = min(BLOCK, int(1) - n0);
  if (first == 0) startRows(n0, rows, maxima, sums, hits);
  packBlock(pointer(0), C, n0, rows, x);
  for (let j = 0; j < width; j += TILE) {
    const columns = min(TILE, width - j);
    logits(x, C, rows, pointer(3), (width + 7) & ~7, j, columns, pointer(6), scratch, TILE * 4, thread);
    for (let r = 0; r < rows; r++) {
      const at = <usize>(n0 + r) << 2;
      const target = load<i32>(targets + at) - first - j;
      takeTile(scratch + <usize>r * (TILE * 4), columns, target, at, maxima, sums, hits, thread);
    }
  }
}

/** ln Σ exp of a row's logits. */
// @ts-ignore: decorator
@inline
export function lseOf(at: usize, maxima: usize, sums: usize): f64 {
  return <f64>load<f32>(maxima + at) + ln(<f64>load<f32>(sums + at));
}

/** ints: maxima, sums, hits, loss, N. */
export function crossEntropyEnd(): void {
  for (let n = 0; n < int(4); n++) {
    const at = <usize>n << 2;
    store<f32>(pointer(3) + at, <f32>(lseOf(at, pointer(0), pointer(1)) - <f64>load<f32>(pointer(2) + at)));
  }
}

/**
 * As crossEntropyChunk, but keeps exp(logit − its tile's largest) in rows of `ld` floats, and the largest of each tile.
 * ints: x, N, C, packed w chunk (0: the logits are in place), its columns, its first id (a multiple of 512), bias at
 * the first id or 0, targets, maxima, sums, hits, e, ld, largest of each tile (N, tiles), tiles, scratch for packed
 * rows of x, its bytes a thread.
 */
export function crossEntropyExp(unit: i32, thread: i32): void {
  const C = int(2), width = int(4), first = int(5), targets = pointer(7);
  const maxima = pointer(8), sums = pointer(9), hits = pointer(10);
  const ld = <usize>int(12) << 2, tiles = int(14);
  const x = pointer(15) + <usize>thread * <usize>pointer(16);
  const n0 = unit * BLOCK;
  const rows = min(BLOCK, int(1) - n0);
  if (first == 0) startRows(n0, rows, maxima, sums, hits);
  if (pointer(3)) packBlock(pointer(0), C, n0, rows, x);
  for (let j = 0; j < width; j += TILE) {
    const columns = min(TILE, width - j);
    const out = pointer(11) + <usize>n0 * ld + (<usize>(first + j) << 2);
    if (pointer(3)) {
      logits(x, C, rows, pointer(3), (width + 7) & ~7, j, columns, pointer(6), out, ld, thread);
    }
    for (let r = 0; r < rows; r++) {
      const at = <usize>(n0 + r) << 2;
      const target = load<i32>(targets + at) - first - j;
      const largest = takeTile(out + <usize>r * ld, columns, target, at, maxima, sums, hits, thread);
      store<f32>(pointer(13) + (<usize>((n0 + r) * tiles + (first + j) / TILE) << 2), largest);
    }
  }
}

/**
 * From what crossEntropyExp left to dlogits = dloss·(softmax − onehot), in place, and the loss. Unit: a block of rows.
 * ints: e, ld, N, V, largest of each tile, tiles, maxima, sums, hits, targets, dloss, loss.
 */
export function crossEntropyGradient(unit: i32): void {
  const ld = <usize>int(1) << 2, V = int(3), tiles = int(5);
  const end = min((unit + 1) * BLOCK, int(2));
  for (let n = unit * BLOCK; n < end; n++) {
    const at = <usize>n << 2;
    const row = pointer(0) + <usize>n * ld;
    const lse = lseOf(at, pointer(6), pointer(7));
    store<f32>(pointer(11) + at, <f32>(lse - <f64>load<f32>(pointer(8) + at)));
    const dloss = load<f32>(pointer(10) + at);
    for (let t = 0; t < tiles; t++) {
      const j = t * TILE;
      const largest = load<f32>(pointer(4) + (<usize>(n * tiles + t) << 2));
      scaleBy(row + (<usize>j << 2), min(TILE, V - j), dloss * exp1(<f32>(<f64>largest - lse)));
    }
    const hit = row + (<usize>load<i32>(pointer(9) + at) << 2);
    store<f32>(hit, load<f32>(hit) - dloss);
  }
}
