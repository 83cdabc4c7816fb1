/** GELU and its gradient, tanh form and exact. 0.5·(1 + tanh u) is computed as 1/(1 + e^−2u), which loses nothing. */
import { CHUNK, chunkEnd } from "./elementwise";
import { int, pointer } from "./control";
import { expRun, RUN } from "./exp";
import { erfc4, exp4, fma, splat } from "./simd";

const TWO_SQRT_2_OVER_PI: f32 = 1.5957691216057308;
const CUBIC: f32 = 0.044715;
const SQRT_HALF: f32 = 0.7071067811865476;
const INV_SQRT_2PI: f32 = 0.3989422804014327;

/** ints: x, y, n, 1 for the tanh form. */
export function gelu(unit: i32, thread: i32): void {
  const x = pointer(0), y = pointer(1), tanh = int(3) != 0;
  const end = chunkEnd(unit, int(2));
  for (let i = unit * CHUNK; i < end; i += RUN) {
    const n = min(RUN, end - i);
    const from = x + (<usize>i << 2), to = y + (<usize>i << 2);
    if (tanh) {
      for (let at = 0; at < n << 2; at += 16) v128.store(to + at, tanhExponent(v128.load(from + at)));
      expRun(to, n, thread);
      for (let at = 0; at < n << 2; at += 16) {
        v128.store(to + at, f32x4.div(v128.load(from + at), f32x4.add(splat(1), v128.load(to + at))));
      }
    } else {
      for (let at = 0; at < n << 2; at += 16) {
        const v = v128.load(from + at);
        v128.store(to + at, f32x4.mul(v, exactCdf(v)));
      }
    }
  }
}

/** −2u of the tanh form: 0.5·(1 + tanh u) is 1/(1 + e^−2u). */
// @ts-ignore: decorator
@inline
export function tanhExponent(v: v128): v128 {
  const inner = fma(f32x4.mul(f32x4.mul(v, v), v), splat(CUBIC), v);
  return f32x4.mul(inner, splat(-TWO_SQRT_2_OVER_PI));
}

// @ts-ignore: decorator
@inline
export function exactCdf(v: v128): v128 {
  return f32x4.mul(splat(0.5), erfc4(f32x4.mul(v, splat(-SQRT_HALF))));
}

/** ints: dy, x, dx, n, 1 for the tanh form. */
export function geluGrad(unit: i32, thread: i32): void {
  const tanh = int(4) != 0;
  const end = chunkEnd(unit, int(3));
  for (let i = unit * CHUNK; i < end; i += RUN) {
    const bytes = <usize>min(RUN, end - i) << 2;
    const offset = <usize>i << 2;
    const dy = pointer(0) + offset, x = pointer(1) + offset, dx = pointer(2) + offset;
    if (tanh) tanhGradient(dy, x, dx, bytes, thread);
    else exactGradient(dy, x, dx, bytes);
  }
}

/** d/dv of v·s(2u) is s + v·s·(1 − s)·2u'. Where s is 0 or 1 the product is 0, whatever v is. */
function tanhGradient(dy: usize, x: usize, dx: usize, bytes: usize, thread: i32): void {
  for (let at: usize = 0; at < bytes; at += 16) v128.store(dx + at, tanhExponent(v128.load(x + at)));
  expRun(dx, <i32>(bytes >> 2), thread);
  for (let at: usize = 0; at < bytes; at += 16) {
    const v = v128.load(x + at);
    const s = f32x4.div(splat(1), f32x4.add(splat(1), v128.load(dx + at)));
    const du = fma(f32x4.mul(v, v), splat(3 * CUBIC * TWO_SQRT_2_OVER_PI), splat(TWO_SQRT_2_OVER_PI));
    const bend = f32x4.mul(s, f32x4.sub(splat(1), s));
    v128.store(dx + at, f32x4.mul(v128.load(dy + at), fma(f32x4.mul(bend, v), du, s)));
  }
}

function exactGradient(dy: usize, x: usize, dx: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 16) {
    const v = v128.load(x + at);
    const density = f32x4.mul(exp4(f32x4.mul(f32x4.mul(v, v), splat(-0.5))), splat(INV_SQRT_2PI));
    v128.store(dx + at, f32x4.mul(v128.load(dy + at), fma(v, density, exactCdf(v))));
  }
}
