/**
 * exp over runs of values, in short loops. One long chain of dependent steps fills the processor's window with two or
 * three vectors that all wait; two loops with half the chain each keep twice as many going and take half the time.
 */
import { constant, fma, splat, sumLanes } from "./simd";

/** Values that one run may have; so long is the power buffer of a thread. */
export const RUN: i32 = 128;
/** Powers of two, a run a thread. */
const POWERS: usize = 24576;

// @ts-ignore: decorator
@inline
export function powersOf(thread: i32): usize {
  return POWERS + <usize>thread * (RUN * 4);
}

/** x = exp(x) in place, for `n` <= RUN values, up to the next multiple of four. To about 1 ulp; see exp4 for the ends. */
export function expRun(x: usize, n: i32, thread: i32): void {
  const powers = powersOf(thread);
  const end = x + ((<usize>n + 3) & ~3) * 4;
  let power = powers;
  for (let at = x; at < end; at += 16) {
    const value = v128.load(at);
    const t = f32x4.pmin(f32x4.pmax(value, constant(0)), constant(1));
    const shifted = fma(t, constant(2), constant(3));
    const whole = f32x4.sub(shifted, constant(3));
    v128.store(at, fma(whole, constant(5), fma(whole, constant(4), t)));
    const scaled = i32x4.add(i32x4.shl(shifted, 23), constant(12));
    v128.store(power, v128.andnot(scaled, f32x4.lt(value, constant(0))));
    power += 16;
  }
  power = powers;
  for (let at = x; at < end; at += 16) {
    const r = v128.load(at);
    const squared = f32x4.mul(r, r);
    const high = fma(fma(constant(6), r, constant(7)), squared, fma(constant(8), r, constant(9)));
    const low = fma(constant(10), r, constant(11));
    const p = fma(fma(high, squared, low), squared, f32x4.add(r, constant(12)));
    v128.store(at, f32x4.mul(p, v128.load(power)));
    power += 16;
  }
}

/** x = exp(scale·x − shift) in place for any `n`; what follows up to the next multiple of four is overwritten. Their sum. */
export function expRow(x: usize, n: i32, scale: f32, shift: f32, thread: i32): f32 {
  const scale4 = splat(scale), shift4 = splat(shift);
  let total = splat(0);
  let tail: f32 = 0;
  for (let i = 0; i < n; i += RUN) {
    const length = min(RUN, n - i);
    const from = x + (<usize>i << 2);
    const end = from + (<usize>length << 2);
    for (let at = from; at < end; at += 16) v128.store(at, f32x4.sub(f32x4.mul(v128.load(at), scale4), shift4));
    expRun(from, length, thread);
    let at = from;
    for (; at + 16 <= end; at += 16) total = f32x4.add(total, v128.load(at));
    for (; at < end; at += 4) tail += load<f32>(at);
  }
  return sumLanes(total) + tail;
}
