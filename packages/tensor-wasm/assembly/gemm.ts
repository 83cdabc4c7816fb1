/**
 * The matrix product that everything else is made of: C (+)= A·B + bias over tiles of 6 rows by 8 columns, twelve
 * accumulators in registers. A is packed into panels of 6 rows, B into panels of 8 columns; a transposed matrix of
 * scores serves as A where it lies. The summed dimension goes in blocks of kc, always in the same order.
 * After: Goto & van de Geijn 2008; Van Zee & van de Geijn 2015 (BLIS).
 */
import { fma, splat } from "./simd";
import { int, pointer, tileOf, ZEROS } from "./control";

/** How long a block of the summed dimension is: K cut evenly into blocks of at most 256; one of 0 where K is 0. */
// @ts-ignore: decorator
@inline
export function blockLength(K: i32): i32 {
  const blocks = max(1, (K + 255) / 256);
  return ((K + blocks - 1) / blocks + 7) & ~7;
}

/**
 * A 6×8 tile: six values of A side by side at `a`, `step` bytes from one k to the next, times one panel of B, added to
 * six rows at `from` (`ldf` bytes apart: C itself, or with 0 a bias or zeros) and stored at `c`.
 */
export function micro(
  kc: i32, a: usize, step: usize, b: usize, from: usize, ldf: usize, c: usize, ldc: usize,
): void {
  let c00 = v128.load(from), c01 = v128.load(from, 16); from += ldf;
  let c10 = v128.load(from), c11 = v128.load(from, 16); from += ldf;
  let c20 = v128.load(from), c21 = v128.load(from, 16); from += ldf;
  let c30 = v128.load(from), c31 = v128.load(from, 16); from += ldf;
  let c40 = v128.load(from), c41 = v128.load(from, 16); from += ldf;
  let c50 = v128.load(from), c51 = v128.load(from, 16);
  // Not unrolled: the compiler moves all loads of a turn to its front, so a longer turn spills more than it saves.
  // One pointer for all of A: with six, the instructions that move them cost a fifth of the speed.
  while (kc > 0) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let x = v128.load32_splat(a); c00 = fma(x, b0, c00); c01 = fma(x, b1, c01);
    x = v128.load32_splat(a, 4); c10 = fma(x, b0, c10); c11 = fma(x, b1, c11);
    x = v128.load32_splat(a, 8); c20 = fma(x, b0, c20); c21 = fma(x, b1, c21);
    x = v128.load32_splat(a, 12); c30 = fma(x, b0, c30); c31 = fma(x, b1, c31);
    x = v128.load32_splat(a, 16); c40 = fma(x, b0, c40); c41 = fma(x, b1, c41);
    x = v128.load32_splat(a, 20); c50 = fma(x, b0, c50); c51 = fma(x, b1, c51);
    a += step;
    b += 32;
    kc--;
  }
  v128.store(c, c00); v128.store(c, c01, 16); c += ldc;
  v128.store(c, c10); v128.store(c, c11, 16); c += ldc;
  v128.store(c, c20); v128.store(c, c21, 16); c += ldc;
  v128.store(c, c30); v128.store(c, c31, 16); c += ldc;
  v128.store(c, c40); v128.store(c, c41, 16); c += ldc;
  v128.store(c, c50); v128.store(c, c51, 16);
}

/** What a tile at the edge starts from, as 6×8 at `tile`: the part of C or the bias that is there, and zeros. */
function edgeFrom(tile: usize, from: usize, ldf: usize, rows: i32, columns: i32): void {
  for (let at: usize = 0; at < 192; at += 16) v128.store(tile + at, splat(0));
  for (let i = 0; i < rows; i++) copyColumns(tile + <usize>i * 32, from + <usize>i * ldf, columns);
}

/** Up to eight: in place, since a call of `memory.copy` takes as long as a whole row of a tile. */
// @ts-ignore: decorator
@inline
export function copyColumns(to: usize, from: usize, columns: i32): void {
  if (columns == 8) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
  } else {
    for (let j: usize = 0; j < <usize>columns << 2; j += 4) store<f32>(to + j, load<f32>(from + j));
  }
}

/** Rare: a product with a bias that is added to what C holds. */
function addBias(c: usize, ldc: usize, rows: i32, columns: i32, bias: usize): void {
  for (let i = 0; i < rows; i++) {
    for (let j: usize = 0; j < <usize>columns << 2; j += 4) store<f32>(c + j, load<f32>(c + j) + load<f32>(bias + j));
    c += ldc;
  }
}

/** The part of a 6×8 tile that is inside C. */
function edgeTo(tile: usize, c: usize, ldc: usize, rows: i32, columns: i32): void {
  for (let i = 0; i < rows; i++) copyColumns(c + <usize>i * ldc, tile + <usize>i * 32, columns);
}

/** micro for any part of a tile: at an edge by way of a whole one at `whole`. */
// @ts-ignore: decorator
@inline
export function tile(
  kc: i32, a: usize, step: usize, rows: i32, columns: i32, b: usize, from: usize, ldf: usize, c: usize, ldc: usize,
  whole: usize,
): void {
  if (rows == 6 && columns == 8) micro(kc, a, step, b, from, ldf, c, ldc);
  else {
    edgeFrom(whole, from, ldf, rows, columns);
    micro(kc, a, step, b, whole, 32, whole, 32);
    edgeTo(whole, c, ldc, rows, columns);
  }
}

/**
 * One block of the summed dimension: C (M,N) = (C, if `add`) + (bias, if any) + panels of A (M,kc) · panels of B (kc,N).
 */
export function block(
  M: i32, N: i32, kc: i32, a: usize, b: usize, c: usize, ldc: usize, add: bool, bias: usize, thread: i32,
): void {
  const whole = tileOf(thread);
  const ldf = add ? ldc : 0;
  for (let j = 0; j < N; j += 8) {
    const panel = b + <usize>(j * kc) * 4;
    const columns = min(8, N - j);
    const start = bias ? bias + (<usize>j << 2) : ZEROS;
    let at = a;
    for (let i = 0; i < M; i += 6) {
      const rows = min(6, M - i);
      const to = c + <usize>i * ldc + (<usize>j << 2);
      if (add && bias) addBias(to, ldc, rows, columns, start);
      tile(kc, at, 24, rows, columns, panel, add ? to : start, ldf, to, ldc, whole);
      at += <usize>kc * 24;
    }
  }
}

/** Panels of six from a transposed A: element (i,k) at a + k·lda + i·4; the last panel may read 20 bytes past its row. */
export function packTransposed(M: i32, kc: i32, a: usize, lda: usize, to: usize): void {
  for (let i = 0; i < M; i += 6) {
    let from = a + (<usize>i << 2);
    for (let k = 0; k < kc; k++) {
      v128.store(to, v128.load(from));
      store<u64>(to, load<u64>(from, 16), 16);
      to += 24;
      from += lda;
    }
  }
}

/** Panels of six from A by rows: element (i,k) at a + i·lda + k·4. A short panel repeats the last row. */
export function packA(M: i32, kc: i32, a: usize, lda: usize, to: usize): void {
  for (let i = 0; i < M; i += 6) {
    const rows = M - i;
    let a0 = a + <usize>i * lda;
    let a1 = rows > 1 ? a0 + lda : a0;
    let a2 = rows > 2 ? a1 + lda : a1;
    let a3 = rows > 3 ? a2 + lda : a2;
    let a4 = rows > 4 ? a3 + lda : a3;
    let a5 = rows > 5 ? a4 + lda : a4;
    let k = 0;
    for (; k + 4 <= kc; k += 4) {
      const r0 = v128.load(a0), r1 = v128.load(a1), r2 = v128.load(a2), r3 = v128.load(a3);
      const lo01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), hi01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      const lo23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5), hi23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      const r4 = v128.load(a4), r5 = v128.load(a5);
      const lo45 = v128.shuffle<f32>(r4, r5, 0, 4, 1, 5), hi45 = v128.shuffle<f32>(r4, r5, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<f32>(lo01, lo23, 0, 1, 4, 5));
      v128.store64_lane(to, lo45, 0, 16);
      v128.store(to, v128.shuffle<f32>(lo01, lo23, 2, 3, 6, 7), 24);
      v128.store64_lane(to, lo45, 1, 40);
      v128.store(to, v128.shuffle<f32>(hi01, hi23, 0, 1, 4, 5), 48);
      v128.store64_lane(to, hi45, 0, 64);
      v128.store(to, v128.shuffle<f32>(hi01, hi23, 2, 3, 6, 7), 72);
      v128.store64_lane(to, hi45, 1, 88);
      to += 96;
      a0 += 16; a1 += 16; a2 += 16; a3 += 16; a4 += 16; a5 += 16;
    }
    for (; k < kc; k++) {
      store<f32>(to, load<f32>(a0));
      store<f32>(to, load<f32>(a1), 4);
      store<f32>(to, load<f32>(a2), 8);
      store<f32>(to, load<f32>(a3), 12);
      store<f32>(to, load<f32>(a4), 16);
      store<f32>(to, load<f32>(a5), 20);
      to += 24;
      a0 += 4; a1 += 4; a2 += 4; a3 += 4; a4 += 4; a5 += 4;
    }
  }
}

/** Panels of eight columns from rows: element (k,j) at b + k·ldb + j·4. Missing columns are 0. */
export function packRows(kc: i32, N: i32, b: usize, ldb: usize, to: usize): void {
  for (let j = 0; j < N; j += 8) {
    let from = b + (<usize>j << 2);
    const columns = N - j;
    for (let k = 0; k < kc; k++) {
      if (columns >= 8) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
      } else {
        for (let c = 0; c < 8; c++) {
          store<f32>(to + (<usize>c << 2), c < columns ? load<f32>(from + (<usize>c << 2)) : 0);
        }
      }
      to += 32;
      from += ldb;
    }
  }
}

/** Panels of eight columns from columns: element (k,j) at b + j·ldb + k·4. Missing columns are 0. */
export function packColumns(kc: i32, N: i32, b: usize, ldb: usize, to: usize): void {
  for (let j = 0; j < N; j += 8) {
    const from = b + <usize>j * ldb;
    const columns = N - j;
    let k = 0;
    if (columns >= 8) {
      for (; k + 4 <= kc; k += 4) {
        const at = from + (<usize>k << 2);
        transpose4(at, ldb, to);
        transpose4(at + 4 * ldb, ldb, to + 16);
        to += 128;
      }
    }
    for (; k < kc; k++) {
      for (let c = 0; c < 8; c++) {
        const at = from + <usize>c * ldb + (<usize>k << 2);
        store<f32>(to + (<usize>c << 2), c < columns ? load<f32>(at) : 0);
      }
      to += 32;
    }
  }
}

/** Four values of four rows `ld` bytes apart, written as four columns 32 bytes apart. */
// @ts-ignore: decorator
@inline
export function transpose4(from: usize, ld: usize, to: usize): void {
  const r0 = v128.load(from);
  const r1 = v128.load(from + ld);
  const r2 = v128.load(from + 2 * ld);
  const r3 = v128.load(from + 3 * ld);
  const lo01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const hi01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const lo23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const hi23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(lo01, lo23, 0, 1, 4, 5));
  v128.store(to, v128.shuffle<f32>(lo01, lo23, 2, 3, 6, 7), 32);
  v128.store(to, v128.shuffle<f32>(hi01, hi23, 0, 1, 4, 5), 64);
  v128.store(to, v128.shuffle<f32>(hi01, hi23, 2, 3, 6, 7), 96);
}

/** Columns that one unit of packB packs. */
const PACK_COLUMNS: i32 = 64;

/**
 * Job: packs B (K,N) once for all threads. Unit: one block of kc by 64 columns.
 * ints: b, ldb (bytes), K, N, 1 when B is stored by columns, destination.
 */
export function packB(unit: i32): void {
  const b = pointer(0), ldb = <usize>pointer(1), K = int(2), N = int(3), byColumns = int(4), to = pointer(5);
  const groups = (N + PACK_COLUMNS - 1) / PACK_COLUMNS;
  const length = blockLength(K);
  const k = (unit / groups) * length;
  const j = (unit % groups) * PACK_COLUMNS;
  const kc = min(length, K - k);
  const columns = min(PACK_COLUMNS, N - j);
  const padded = (N + 7) & ~7;
  const at = to + (<usize>k * <usize>padded + <usize>j * <usize>kc) * 4;
  if (byColumns) packColumns(kc, columns, b + <usize>j * ldb + (<usize>k << 2), ldb, at);
  else packRows(kc, columns, b + <usize>k * ldb + (<usize>j << 2), ldb, at);
}

/**
 * Job: C (+)= A·B + bias. Unit: one tile of C over all of K.
 * ints: a, lda (bytes), 1 when A is transposed, packed B, c, ldc (bytes), M, N, K, add, bias or 0, tile rows (a
 * multiple of 6), tile columns (a multiple of 8), scratch for packed A, its bytes a thread; where B is not packed (0), so
 * that a tile packs its own part behind A: b, ldb (bytes), 1 when B is stored by columns, where that is in the scratch.
 */
export function gemm(unit: i32, thread: i32): void {
  const a = pointer(0), lda = <usize>pointer(1), transposed = int(2), packed = pointer(3);
  const c = pointer(4), ldc = <usize>pointer(5), M = int(6), N = int(7), K = int(8);
  const add = int(9) != 0, bias = pointer(10), tileM = int(11), tileN = int(12);
  const across = (N + tileN - 1) / tileN;
  const i = (unit / across) * tileM;
  const j = (unit % across) * tileN;
  const rows = min(tileM, M - i);
  const columns = min(tileN, N - j);
  const padded = (N + 7) & ~7;
  const to = c + <usize>i * ldc + (<usize>j << 2);
  const scratch = pointer(13) + <usize>thread * <usize>pointer(14);
  const length = blockLength(K);
  // An empty sum, too, has a block: what C starts from.
  let k = 0;
  do {
    const kc = min(length, K - k);
    let b = packed + (<usize>k * <usize>padded + <usize>j * <usize>kc) * 4;
    if (!packed) {
      b = scratch + pointer(18);
      const from = pointer(15), ldb = <usize>pointer(16);
      if (int(17)) packColumns(kc, columns, from + <usize>j * ldb + (<usize>k << 2), ldb, b);
      else packRows(kc, columns, from + <usize>k * ldb + (<usize>j << 2), ldb, b);
    }
    const biasAt = bias && k == 0 ? bias + (<usize>j << 2) : 0;
    const sum = add || k > 0;
    if (transposed) packTransposed(rows, kc, a + <usize>k * lda + (<usize>i << 2), lda, scratch);
    else packA(rows, kc, a + <usize>i * lda + (<usize>k << 2), lda, scratch);
    block(rows, columns, kc, scratch, b, to, ldc, sum, biasAt, thread);
    k += length;
  } while (k < K);
}
