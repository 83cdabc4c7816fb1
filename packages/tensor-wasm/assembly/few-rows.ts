/**
 * The product for a few rows of A (a token in generation), where all the time goes into reading B once: nothing is
 * packed, and B is read in long runs as it lies.
 */
import { int, pointer } from "./control";
import { fma, splat, sumLanes } from "./simd";

/** Columns of a unit: a kilobyte of every row of B. */
const COLUMNS: i32 = 256;

/** What row m of C starts from, before the sum over K: C, the bias, both, or zeros. */
function start(c: usize, columns: i32, add: bool, bias: usize): void {
  if (!add) {
    if (bias) memory.copy(c, bias, <usize>columns << 2);
    else memory.fill(c, 0, <usize>columns << 2);
  } else if (bias) {
    for (let j: usize = 0; j < <usize>columns << 2; j += 4) store<f32>(c + j, load<f32>(c + j) + load<f32>(bias + j));
  }
}

/** c += a[0]·b₀ + a[1]·b₁ + a[2]·b₂ + a[3]·b₃ over `columns` columns of four rows of B. */
function addFour(a: usize, b: usize, ldb: usize, c: usize, columns: i32): void {
  const a0 = load<f32>(a), a1 = load<f32>(a, 4), a2 = load<f32>(a, 8), a3 = load<f32>(a, 12);
  const x0 = splat(a0), x1 = splat(a1), x2 = splat(a2), x3 = splat(a3);
  const b1 = b + ldb, b2 = b1 + ldb, b3 = b2 + ldb;
  const whole = <usize>(columns & ~3) << 2, end = <usize>columns << 2;
  let j: usize = 0;
  for (; j < whole; j += 16) {
    let sum = fma(x0, v128.load(b + j), v128.load(c + j));
    sum = fma(x1, v128.load(b1 + j), sum);
    sum = fma(x2, v128.load(b2 + j), sum);
    v128.store(c + j, fma(x3, v128.load(b3 + j), sum));
  }
  for (; j < end; j += 4) {
    let sum = load<f32>(c + j) + a0 * load<f32>(b + j);
    sum += a1 * load<f32>(b1 + j);
    sum += a2 * load<f32>(b2 + j);
    store<f32>(c + j, sum + a3 * load<f32>(b3 + j));
  }
}

function addOne(a: f32, b: usize, c: usize, columns: i32): void {
  for (let j: usize = 0; j < <usize>columns << 2; j += 4) store<f32>(c + j, load<f32>(c + j) + a * load<f32>(b + j));
}

/** C (+)= A·B + bias with B stored by rows. Unit: some columns. ints: a, lda, b, ldb, c, ldc (all bytes), M, N, K, add, bias. */
export function fewRows(unit: i32): void {
  const lda = <usize>pointer(1), ldb = <usize>pointer(3), ldc = <usize>pointer(5), M = int(6), K = int(8);
  const j = unit * COLUMNS;
  const columns = min(COLUMNS, int(7) - j);
  const offset = <usize>j << 2;
  const c = pointer(4) + offset, a = pointer(0);
  let b = pointer(2) + offset;
  for (let m = 0; m < M; m++) start(c + <usize>m * ldc, columns, int(9) != 0, pointer(10) ? pointer(10) + offset : 0);
  let k = 0;
  for (; k + 4 <= K; k += 4) {
    for (let m = 0; m < M; m++) {
      addFour(a + <usize>m * lda + (<usize>k << 2), b, ldb, c + <usize>m * ldc, columns);
    }
    b += 4 * ldb;
  }
  for (; k < K; k++) {
    for (let m = 0; m < M; m++) {
      addOne(load<f32>(a + <usize>m * lda + (<usize>k << 2)), b, c + <usize>m * ldc, columns);
    }
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

function dot(a: usize, b: usize, K: i32): f32 {
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
