/**
 * Elementwise ops and the full reductions. Tensors are padded to 64 bytes, so a chunk may run over its end up to the
 * next multiple of four: what it writes there is never read.
 */
import { float, int, pointer, tileOf } from "./control";
import { Sum, Wide } from "./fold";
import { splat } from "./simd";

/** Elements that one unit handles; fixed, so that the reductions' order is too. */
export const CHUNK: i32 = 16384;

// @ts-ignore: decorator
@inline
export function chunkEnd(unit: i32, n: i32): i32 {
  return min((unit + 1) * CHUNK, n);
}

/** ints: a, b, y, n. */
export function add(unit: i32): void {
  const a = pointer(0), b = pointer(1), y = pointer(2);
  const end = chunkEnd(unit, int(3));
  for (let i = unit * CHUNK; i < end; i += 4) {
    const at = <usize>i << 2;
    v128.store(y + at, f32x4.add(v128.load(a + at), v128.load(b + at)));
  }
}

/** ints: x, y, n, scalar or 0; floats: factor. */
export function scale(unit: i32): void {
  const x = pointer(0), y = pointer(1);
  const factor = splat(pointer(3) ? float(0) * load<f32>(pointer(3)) : float(0));
  const end = chunkEnd(unit, int(2));
  for (let i = unit * CHUNK; i < end; i += 4) {
    const at = <usize>i << 2;
    v128.store(y + at, f32x4.mul(v128.load(x + at), factor));
  }
}

/** ints: x, n, value: its bits, of whatever kind. */
export function fill(unit: i32): void {
  const x = pointer(0);
  const value = i32x4.splat(int(2));
  const end = chunkEnd(unit, int(1));
  for (let i = unit * CHUNK; i < end; i += 4) v128.store(x + (<usize>i << 2), value);
}

/** The float64 sum of each chunk. ints: x, n, partials. */
export function sumChunks(unit: i32, thread: i32): void {
  const begin = unit * CHUNK, slot = tileOf(thread) + 64;
  changetype<Wide<Sum>>(0).run(pointer(0) + (<usize>begin << 2), chunkEnd(unit, int(1)) - begin, begin, slot, thread);
  store<f64>(pointer(2) + (<usize>unit << 3), load<f64>(slot));
}

/** The float64 sum of squares of each chunk. ints: x, n, partials. */
export function sumSquaresChunks(unit: i32): void {
  const x = pointer(0);
  const end = chunkEnd(unit, int(1));
  let low = f64x2.splat(0), high = f64x2.splat(0);
  let i = unit * CHUNK;
  for (; i + 4 <= end; i += 4) {
    const at = x + (<usize>i << 2);
    const a = f64x2.promote_low_f32x4(v128.load64_zero(at));
    const b = f64x2.promote_low_f32x4(v128.load64_zero(at, 8));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
  }
  low = f64x2.add(low, high);
  let total = f64x2.extract_lane(low, 0) + f64x2.extract_lane(low, 1);
  for (; i < end; i++) {
    const value = <f64>load<f32>(x + (<usize>i << 2));
    total += value * value;
  }
  store<f64>(pointer(2) + (<usize>unit << 3), total);
}

/** The partial sums in order, into one float32. ints: partials, their number, y. */
export function sumPartials(): void {
  const partials = pointer(0);
  let total: f64 = 0;
  for (let i = 0; i < int(1); i++) total += load<f64>(partials + (<usize>i << 3));
  store<f32>(pointer(2), <f32>total);
}

/** Columns of a unit of addRows. */
const SUMMED: i32 = 256;

/**
 * Column sums of partial rows in order: out (n) (+)= Σ partials (rows,n). Unit: some columns.
 * ints: partials, rows, n, stride in floats, out, add.
 */
export function addRows(unit: i32): void {
  const rows = int(1), stride = <usize>int(3) << 2, add = int(5);
  const begin = <usize>(unit * SUMMED) << 2;
  const end = <usize>min((unit + 1) * SUMMED, int(2)) << 2;
  const partials = pointer(0), out = pointer(4);
  let i = begin;
  for (; i + 16 <= end; i += 16) {
    let from = partials + i;
    let total = add ? v128.load(out + i) : f32x4.splat(0);
    for (let r = 0; r < rows; r++) {
      total = f32x4.add(total, v128.load(from));
      from += stride;
    }
    v128.store(out + i, total);
  }
  for (; i < end; i += 4) {
    let from = partials + i;
    let total: f32 = add ? load<f32>(out + i) : 0;
    for (let r = 0; r < rows; r++) {
      total += load<f32>(from);
      from += stride;
    }
    store<f32>(out + i, total);
  }
}
