/**
 * The product for a few rows of A (a token in generation), where all the time goes into reading B once: nothing is
 * packed, and B is read from its first byte to its last, as it lies.
 */
import { int, pointer } from "./control";
import { fma, splat, sumLanes } from "./simd";

/** Columns of a unit of fewRowsDots. */
const COLUMNS: i32 = 256;
/** Columns from which eight rows of B at once are faster than one. */
const EIGHT_FROM: i32 = 256;

/** What row m of C starts from, before the sum over K: C, the bias, both, or zeros. */
function begin(c: usize, columns: i32, add: bool, bias: usize): void {
  if (!add) {
    if (bias) memory.copy(c, bias, <usize>columns << 2);
    else memory.fill(c, 0, <usize>columns << 2);
  } else if (bias) {
    for (let j: usize = 0; j < <usize>columns << 2; j += 4) store<f32>(c + j, load<f32>(c + j) + load<f32>(bias + j));
  }
}

/** c += a[0]·b₀ + … + a[7]·b₇ over `columns` columns of eight rows of B. In two sums, which need not wait for each other. */
function addEight(a: usize, b: usize, ldb: usize, c: usize, columns: i32): void {
  const x0 = v128.load32_splat(a), x1 = v128.load32_splat(a, 4), x2 = v128.load32_splat(a, 8), x3 = v128.load32_splat(a, 12);
  const x4 = v128.load32_splat(a, 16), x5 = v128.load32_splat(a, 20), x6 = v128.load32_splat(a, 24), x7 = v128.load32_splat(a, 28);
  const ld2 = 2 * ldb, ld3 = 3 * ldb, ld4 = 4 * ldb;
  for (const whole = b + (<usize>(columns & ~3) << 2); b < whole; b += 16) {
    const d = b + ld4;
    let sum = fma(x0, v128.load(b), v128.load(c));
    let other = f32x4.mul(x4, v128.load(d));
    sum = fma(x1, v128.load(b + ldb), sum);
    other = fma(x5, v128.load(d + ldb), other);
    sum = fma(x2, v128.load(b + ld2), sum);
    other = fma(x6, v128.load(d + ld2), other);
    sum = fma(x3, v128.load(b + ld3), sum);
    other = fma(x7, v128.load(d + ld3), other);
    v128.store(c, f32x4.add(sum, other));
    c += 16;
  }
  for (let k: usize = 0; k < 8; k++) addOne(load<f32>(a + (k << 2)), b + k * ldb, c, columns & 3);
}

/** c += a·b over `columns` columns of a row of B. */
export function addOne(a: f32, b: usize, c: usize, columns: i32): void {
  const x = splat(a), end = b + (<usize>columns << 2);
  for (; b + 64 <= end; b += 64) {
    v128.store(c, fma(x, v128.load(b), v128.load(c)));
    v128.store(c, fma(x, v128.load(b, 16), v128.load(c, 16)), 16);
    v128.store(c, fma(x, v128.load(b, 32), v128.load(c, 32)), 32);
    v128.store(c, fma(x, v128.load(b, 48), v128.load(c, 48)), 48);
    c += 64;
  }
  for (; b < end; b += 4) {
    store<f32>(c, load<f32>(c) + a * load<f32>(b));
    c += 4;
  }
}

/**
 * C (+)= A·B + bias with B stored by rows. Unit: some of the summed rows of B, so that what is read is one long run. The
 * first unit's go into C, those of the others into a matrix (M,N) each, which addRows adds to C.
 * ints: a, lda, b, ldb, c, ldc (all bytes), M, N, K, add, bias, rows of a unit, the others' matrices.
 */
export function fewRows(unit: i32): void {
  const lda = <usize>pointer(1), ldb = <usize>pointer(3), M = int(6), N = int(7);
  let c = pointer(4), ldc = <usize>pointer(5);
  if (unit > 0) {
    ldc = <usize>N << 2;
    c = pointer(12) + <usize>((unit - 1) * M) * ldc;
  }
  for (let m = 0; m < M; m++) begin(c + <usize>m * ldc, N, unit == 0 && int(9) != 0, unit == 0 ? pointer(10) : 0);
  let k = unit * int(11);
  const end = min(k + int(11), int(8));
  let a = pointer(0) + (<usize>k << 2), b = pointer(2) + <usize>k * ldb;
  if (N >= EIGHT_FROM) for (; k + 8 <= end; k += 8) {
    for (let m = 0; m < M; m++) addEight(a + <usize>m * lda, b, ldb, c + <usize>m * ldc, N);
    a += 32;
    b += 8 * ldb;
  }
  for (; k < end; k++) {
    for (let m = 0; m < M; m++) addOne(load<f32>(a + <usize>m * lda), b, c + <usize>m * ldc, N);
    a += 4;
    b += ldb;
  }
}

/** The same with B stored by columns (N,K): dot products. Unit: some columns of C. */
export function fewRowsDots(unit: i32): void {
  const lda = <usize>pointer(1), ldb = <usize>pointer(3), ldc = <usize>pointer(5), M = int(6), K = int(8);
  const end = min((unit + 1) * COLUMNS, int(7));
  const add = int(9) != 0, bias = pointer(10);
  for (let n = unit * COLUMNS; n < end; n++) {
    const b = pointer(2) + <usize>n * ldb;
    const column = <usize>n << 2;
    for (let m = 0; m < M; m++) {
      const c = pointer(4) + <usize>m * ldc + column;
      let value = dot(pointer(0) + <usize>m * lda, b, K);
      if (bias) value += load<f32>(bias + column);
      store<f32>(c, add ? load<f32>(c) + value : value);
    }
  }
}

export function dot(a: usize, b: usize, K: i32): f32 {
  let s0 = splat(0), s1 = s0, s2 = s0, s3 = s0;
  const end = a + (<usize>K << 2);
  for (; a + 64 <= end; a += 64) {
    s0 = fma(v128.load(a), v128.load(b), s0);
    s1 = fma(v128.load(a, 16), v128.load(b, 16), s1);
    s2 = fma(v128.load(a, 32), v128.load(b, 32), s2);
    s3 = fma(v128.load(a, 48), v128.load(b, 48), s3);
    b += 64;
  }
  let sum = sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  for (; a < end; a += 4) {
    sum += load<f32>(a) * load<f32>(b);
    b += 4;
  }
  return sum;
}
