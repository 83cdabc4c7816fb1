/**
 * GELU and its gradient, tanh form and exact. 0.5·(1 + tanh u) is computed as 1/(1 + e^−2u), which loses nothing. Far
 * below 0 that is not 0 but at least e^−88, which is nothing beside 1, but something times a value of 1e38, or of 1e13
 * and its square: so it is multiplied by no value below −20, and in the slope by none above 20, where the product is
 * nothing either.
 */
import { CHUNK, chunkEnd } from "./elementwise";
import { int, pointer } from "./control";
import { polynomial, powersOf, reduce, RUN } from "./exp";
import { constant, erfc4, exp4, fma, splat } from "./simd";

const SQRT_HALF: f32 = 0.7071067811865476;
const INV_SQRT_2PI: f32 = 0.3989422804014327;

/** ints: x, y, n, 1 for the tanh form. */
export function gelu(unit: i32, thread: i32): void {
  const end = chunkEnd(unit, int(2));
  geluRow(pointer(0) + (<usize>(unit * CHUNK) << 2), pointer(1) + (<usize>(unit * CHUNK) << 2), end - unit * CHUNK, int(3) != 0, thread);
}

/** y = gelu(x) for any `n`, up to the next multiple of four. */
export function geluRow(x: usize, y: usize, n: i32, tanh: bool, thread: i32): void {
  if (!tanh) {
    for (let at: usize = 0; at < <usize>n << 2; at += 16) {
      const v = v128.load(x + at);
      v128.store(y + at, f32x4.mul(v, exactCdf(v)));
    }
  } else {
    for (let i = 0; i < n; i += RUN) tanhRun(x + (<usize>i << 2), y + (<usize>i << 2), min(RUN, n - i), thread);
  }
}

/** The tanh form for n <= RUN values. */
function tanhRun(x: usize, y: usize, n: i32, thread: i32): void {
  exponentials(x, y, n, thread);
  const one = constant(12), low = constant(28);
  const bytes = <usize>n << 2;
  for (let at: usize = 0; at < bytes; at += 16) {
    v128.store(y + at, f32x4.div(f32x4.pmax(v128.load(x + at), low), f32x4.add(one, v128.load(y + at))));
  }
}

/** e^−2u of the tanh form, for n <= RUN values: 0.5·(1 + tanh u) is 1/(1 + e^−2u). */
function exponentials(x: usize, e: usize, n: i32, thread: i32): void {
  const powers = powersOf(thread);
  const least = constant(0), most = constant(1), log2e = constant(2), rounder = constant(3);
  const ln2High = constant(4), ln2Low = constant(5), one = constant(12), cubic = constant(24), factor = constant(25);
  const bytes = <usize>n << 2;
  for (let at: usize = 0; at < bytes; at += 16) {
    const v = v128.load(x + at);
    const u = f32x4.mul(fma(f32x4.mul(f32x4.mul(v, v), v), cubic, v), factor);
    reduce(u, e + at, powers + at, least, most, log2e, rounder, ln2High, ln2Low, one);
  }
  const p5 = constant(6), p4 = constant(7), p3 = constant(8), p2 = constant(9), p1 = constant(10), p0 = constant(11);
  for (let at: usize = 0; at < bytes; at += 16) {
    const p = polynomial(v128.load(e + at), p5, p4, p3, p2, p1, p0, one);
    v128.store(e + at, f32x4.mul(p, v128.load(powers + at)));
  }
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

/** d/dv of v·s(2u) is s + v·s·(1 − s)·2u'. */
function tanhGradient(dy: usize, x: usize, dx: usize, bytes: usize, thread: i32): void {
  exponentials(x, dx, <i32>(bytes >> 2), thread);
  const one = constant(12), slope = constant(26), root = constant(27), low = constant(28), high = constant(29);
  for (let at: usize = 0; at < bytes; at += 16) {
    const v = f32x4.pmin(f32x4.pmax(v128.load(x + at), low), high);
    const s = f32x4.div(one, f32x4.add(one, v128.load(dx + at)));
    const du = fma(f32x4.mul(v, v), slope, root);
    const bend = f32x4.mul(s, f32x4.sub(one, s));
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
