/**
 * exp over runs of values, in short loops. One long chain of dependent steps fills the processor's window with two or
 * three vectors that all wait; two loops with half the chain each keep twice as many going and take half the time.
 */
import { constant, exp1, fma, splat, sumLanes } from "./simd";

/** Values that one run may have; so long is the power buffer of a thread. */
export const RUN: i32 = 128;
/** Powers of two, a run a thread. */
const POWERS: usize = 24576;

// @ts-ignore: decorator
@inline
export function powersOf(thread: i32): usize {
  return POWERS + <usize>thread * (RUN * 4);
}

/**
 * First half of exp(value), which leaves r at `at` and the power of two at `power`, so that exp is that power times
 * `polynomial(r)`. Constants are the caller's, loaded before its loop: there are registers for all of them.
 */
// @ts-ignore: decorator
@inline
export function reduce(
  value: v128, at: usize, power: usize, least: v128, most: v128, log2e: v128, rounder: v128, ln2High: v128,
  ln2Low: v128, one: v128,
): void {
  const t = f32x4.pmin(f32x4.pmax(value, least), most);
  const shifted = fma(t, log2e, rounder);
  const whole = f32x4.sub(shifted, rounder);
  v128.store(at, fma(whole, ln2Low, fma(whole, ln2High, t)));
  const scaled = i32x4.add(i32x4.shl(shifted, 23), one);
  v128.store(power, v128.andnot(scaled, f32x4.lt(value, least)));
}

// @ts-ignore: decorator
@inline
export function polynomial(r: v128, p5: v128, p4: v128, p3: v128, p2: v128, p1: v128, p0: v128, one: v128): v128 {
  const squared = f32x4.mul(r, r);
  const high = fma(fma(p5, r, p4), squared, fma(p3, r, p2));
  return fma(fma(high, squared, fma(p1, r, p0)), squared, f32x4.add(r, one));
}

/**
 * x = exp(scale·x − shift) in place, for `n` <= RUN values, up to the next multiple of four; the sum of the first n.
 * To about 1 ulp; see exp4 for the ends.
 */
export function expRun(x: usize, n: i32, scale: f32, shift: f32, thread: i32): f32 {
  const powers = powersOf(thread);
  const end = x + ((<usize>n + 3) & ~3) * 4, whole = x + (<usize>(n & ~3) << 2);
  const scale4 = splat(scale), shift4 = splat(shift);
  const least = constant(0), most = constant(1), log2e = constant(2), rounder = constant(3);
  const ln2High = constant(4), ln2Low = constant(5), one = constant(12);
  let power = powers;
  for (let at = x; at < end; at += 16) {
    const value = f32x4.sub(f32x4.mul(v128.load(at), scale4), shift4);
    reduce(value, at, power, least, most, log2e, rounder, ln2High, ln2Low, one);
    power += 16;
  }
  const p5 = constant(6), p4 = constant(7), p3 = constant(8), p2 = constant(9), p1 = constant(10), p0 = constant(11);
  let total = splat(0);
  power = powers;
  for (let at = x; at < end; at += 16) {
    const y = f32x4.mul(polynomial(v128.load(at), p5, p4, p3, p2, p1, p0, one), v128.load(power));
    v128.store(at, y);
    if (at < whole) total = f32x4.add(total, y);
    power += 16;
  }
  let sum = sumLanes(total);
  for (let at = whole; at < x + (<usize>n << 2); at += 4) sum += load<f32>(at);
  return sum;
}

/** x = exp(scale·x − shift) in place for any `n`; what follows up to the next multiple of four is overwritten. Their sum. */
export function expRow(x: usize, n: i32, scale: f32, shift: f32, thread: i32): f32 {
  let total: f32 = 0;
  for (let i = 0; i < n; i += RUN) total += expRun(x + (<usize>i << 2), min(RUN, n - i), scale, shift, thread);
  return total;
}

/** −127·ln 2: from there on the power of two is 0. */
const LEAST: f32 = -88.02969;

/**
 * y = exp(x − shift) for any `n`, and their sum; with a y of 0 the sum alone. No x is above the shift. Writes nothing behind
 * the n values. What is small beside a sum of many must not be lost in it, so runs are summed in float64.
 */
export function expOf(x: usize, y: usize, n: i32, shift: f32, thread: i32): f64 {
  const powers = powersOf(thread);
  const shift4 = splat(shift), least = splat(LEAST);
  const log2e = constant(2), rounder = constant(3), ln2High = constant(4), ln2Low = constant(5), one = constant(12);
  let sum: f64 = 0;
  const end = x + (<usize>(n & ~3) << 2);
  while (x < end) {
    // Half of the buffer for the remainders, where there is no y for them.
    const to = y ? y : powers + RUN * 2;
    const bytes = min(<usize>(RUN * 2), end - x);
    for (let at: usize = 0; at < bytes; at += 16) {
      const t = f32x4.pmax(f32x4.sub(v128.load(x + at), shift4), least);
      const shifted = fma(t, log2e, rounder);
      const whole = f32x4.sub(shifted, rounder);
      v128.store(to + at, fma(whole, ln2Low, fma(whole, ln2High, t)));
      v128.store(powers + at, i32x4.add(i32x4.shl(shifted, 23), one));
    }
    const p5 = constant(6), p4 = constant(7), p3 = constant(8), p2 = constant(9), p1 = constant(10), p0 = constant(11);
    let total = splat(0);
    for (let at: usize = 0; at < bytes; at += 16) {
      const e = f32x4.mul(polynomial(v128.load(to + at), p5, p4, p3, p2, p1, p0, one), v128.load(powers + at));
      v128.store(to + at, e);
      total = f32x4.add(total, e);
    }
    sum += <f64>sumLanes(total);
    x += bytes;
    if (y) y += bytes;
  }
  for (let i = n & 3; i > 0; i--) {
    const e = exp1(load<f32>(x) - shift);
    sum += <f64>e;
    x += 4;
    if (y) {
      store<f32>(y, e);
      y += 4;
    }
  }
  return sum;
}
