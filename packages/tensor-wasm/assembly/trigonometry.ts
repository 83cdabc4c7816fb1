/**
 * Sine and cosine to about 1 unit in the last place. The argument is reduced in float64: n quarter turns, of which n·π/2 is
 * exact in its first 25 bits while n < 2^28. What is farther out goes value by value through AssemblyScript's own.
 */
import { at, horner } from "./math";
import { fma, splat } from "./simd";

const QUARTERS: f64 = 6.36619772367581382433e-01;
/** π/2 in two pieces; the first has 25 bits. */
const HIGH: f64 = 1.57079631090164184570;
const LOW: f64 = 1.58932547735281966916e-08;
/** 1.5·2^52: added to a number, it leaves the nearest whole number in the low bits. */
const ROUNDER: f64 = 6755399441055744;
const FAR: f32 = 4e8;

/** Of |r| <= π/4 (Cephes, sinf and cosf): sine's tail, then cosine's. */
const TABLE = memory.data<f32>([
  -1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1, 2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2,
]);

/** sin(x), or cos(x) where `cosine` is 1: a quarter turn ahead. */
// @ts-ignore: decorator
@inline
export function sine(x: v128, cosine: i32): v128 {
  const a = f64x2.promote_low_f32x4(x);
  const b = f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 2, 3));
  const quarters = f64x2.splat(QUARTERS), rounder = f64x2.splat(ROUNDER);
  const shiftedA = f64x2.add(f64x2.mul(a, quarters), rounder), shiftedB = f64x2.add(f64x2.mul(b, quarters), rounder);
  const r = narrow(rest(a, f64x2.sub(shiftedA, rounder)), rest(b, f64x2.sub(shiftedB, rounder)));
  const n = i32x4.add(v128.shuffle<i32>(shiftedA, shiftedB, 0, 2, 4, 6), i32x4.splat(cosine));
  const z = f32x4.mul(r, r);
  const s = fma(f32x4.mul(horner(z, TABLE, 0, 3), z), r, r);
  const c = fma(f32x4.mul(horner(z, TABLE, 3, 3), z), z, fma(z, splat(-0.5), splat(1)));
  // n's lowest bit says which of the two, the next one the sign.
  const odd = i32x4.shr_s(i32x4.shl(n, 31), 31);
  const sign = i32x4.shl(i32x4.shr_u(n, 1), 31);
  const y = v128.xor(v128.bitselect(c, s, odd), sign);
  const far = f32x4.ge(f32x4.abs(x), splat(FAR));
  return v128.any_true(far) ? farOut(x, y, cosine) : y;
}

// @ts-ignore: decorator
@inline
export function rest(x: v128, n: v128): v128 {
  return f64x2.sub(f64x2.sub(x, f64x2.mul(n, f64x2.splat(HIGH))), f64x2.mul(n, f64x2.splat(LOW)));
}

/** Two pairs of float64 as four float32. */
// @ts-ignore: decorator
@inline
export function narrow(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
}

/** y, but from x itself where that is far out. */
function farOut(x: v128, y: v128, cosine: i32): v128 {
  y = f32x4.replace_lane(y, 0, farOutLane(f32x4.extract_lane(x, 0), f32x4.extract_lane(y, 0), cosine));
  y = f32x4.replace_lane(y, 1, farOutLane(f32x4.extract_lane(x, 1), f32x4.extract_lane(y, 1), cosine));
  y = f32x4.replace_lane(y, 2, farOutLane(f32x4.extract_lane(x, 2), f32x4.extract_lane(y, 2), cosine));
  return f32x4.replace_lane(y, 3, farOutLane(f32x4.extract_lane(x, 3), f32x4.extract_lane(y, 3), cosine));
}

function farOutLane(x: f32, y: f32, cosine: i32): f32 {
  if (!(abs(x) >= FAR)) return y;
  return <f32>(cosine ? NativeMath.cos(<f64>x) : NativeMath.sin(<f64>x));
}
