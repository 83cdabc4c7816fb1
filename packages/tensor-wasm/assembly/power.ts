/** x to the power of y, as C's pow: 2^(y·log2 x), with the logarithm and the product in float64, to about 1 ulp. */
import { expOfRest, scaleByPower } from "./math";
import { splat } from "./simd";
import { narrow } from "./trigonometry";

/** 2·log2(e)/(2k + 1) for k = 7 down to 0: log2 m by powers of s = (m − 1)/(m + 1). */
const SERIES = memory.data<f64>([
  0.19235933878519512, 0.22195308321368668, 0.26230818925253880, 0.32059889797532520,
  0.41219858311113240, 0.57707801635558536, 0.96179669392597560, 2.8853900817779268,
]);
/** Of √½, in the high half of a float64. */
const SQRT_HALF: i64 = 0x3fe6a09e667f3bcd;

/** log2 of two positive float64, finite and normal: each float32 but 0 becomes one. */
// @ts-ignore: decorator
@inline
export function log2(x: v128): v128 {
  const offset = i64x2.sub(x, i64x2.splat(SQRT_HALF));
  const e = i64x2.shr_s(offset, 52);
  const m = i64x2.sub(x, i64x2.shl(e, 52));
  const one = f64x2.splat(1);
  const s = f64x2.div(f64x2.sub(m, one), f64x2.add(m, one));
  const z = f64x2.mul(s, s);
  let p = f64x2.add(f64x2.mul(v128.load64_splat(SERIES), z), v128.load64_splat(SERIES, 8));
  p = f64x2.add(f64x2.mul(p, z), v128.load64_splat(SERIES, 16));
  p = f64x2.add(f64x2.mul(p, z), v128.load64_splat(SERIES, 24));
  p = f64x2.add(f64x2.mul(p, z), v128.load64_splat(SERIES, 32));
  p = f64x2.add(f64x2.mul(p, z), v128.load64_splat(SERIES, 40));
  p = f64x2.add(f64x2.mul(p, z), v128.load64_splat(SERIES, 48));
  p = f64x2.add(f64x2.mul(p, z), v128.load64_splat(SERIES, 56));
  const power = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(e, e, 0, 2, 0, 2));
  return f64x2.add(f64x2.mul(p, s), power);
}

/** y·log2 x for two values, held where the result is certainly 0 or infinite; NaN stays. */
// @ts-ignore: decorator
@inline
export function exponent(x: v128, y: v128): v128 {
  const wide = f64x2.promote_low_f32x4(x);
  let l = log2(wide);
  l = v128.bitselect(wide, l, f64x2.eq(wide, f64x2.splat(Infinity)));
  l = v128.bitselect(f64x2.splat(-Infinity), l, f64x2.eq(wide, f64x2.splat(0)));
  l = v128.bitselect(wide, l, f64x2.ne(wide, wide));
  const t = f64x2.mul(l, f64x2.promote_low_f32x4(y));
  return f64x2.pmin(f64x2.pmax(t, f64x2.splat(-160)), f64x2.splat(130));
}

// @ts-ignore: decorator
@inline
export function power(x: v128, y: v128): v128 {
  const magnitude = f32x4.abs(x);
  const low = exponent(magnitude, y);
  const high = exponent(v128.shuffle<i32>(magnitude, magnitude, 2, 3, 2, 3), v128.shuffle<i32>(y, y, 2, 3, 2, 3));
  const nLow = f64x2.nearest(low), nHigh = f64x2.nearest(high);
  const ln2 = f64x2.splat(0.6931471805599453);
  const r = narrow(f64x2.mul(f64x2.sub(low, nLow), ln2), f64x2.mul(f64x2.sub(high, nHigh), ln2));
  const n = v128.shuffle<i32>(i32x4.trunc_sat_f64x2_s_zero(nLow), i32x4.trunc_sat_f64x2_s_zero(nHigh), 0, 1, 4, 5);
  let result = scaleByPower(expOfRest(r), n);

  const one = splat(1), zero = splat(0);
  const whole = f32x4.eq(f32x4.trunc(y), y);
  const half = f32x4.mul(y, splat(0.5));
  const odd = v128.andnot(whole, f32x4.eq(f32x4.trunc(half), half));
  const finite = f32x4.lt(magnitude, splat(Infinity));
  // Of a negative number, but not of −0 and −∞, to a power that is not whole there is none: all ones are NaN.
  result = v128.or(result, v128.andnot(v128.and(f32x4.lt(x, zero), finite), whole));
  result = v128.xor(result, i32x4.shl(i32x4.shr_u(v128.and(x, odd), 31), 31));
  // (−1)^±∞ is 1, and so is everything to the power of 0 and 1 to every power, NaN included.
  const minusOne = v128.and(f32x4.eq(x, splat(-1)), f32x4.eq(f32x4.abs(y), splat(Infinity)));
  const alwaysOne = v128.or(v128.or(f32x4.eq(x, one), f32x4.eq(y, zero)), minusOne);
  return v128.bitselect(one, result, alwaysOne);
}
