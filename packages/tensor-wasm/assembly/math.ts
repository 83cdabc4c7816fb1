/**
 * Functions of one variable, four values at a time, each to one or two units in the last place over all of float32, with
 * infinities and NaN as IEEE 754 has them. Kernels of GPT-2 have shorter ones in simd.ts that stop at the ends they need.
 */
import { fma, splat } from "./simd";

/** Coefficients and limits are loaded where they are used: see `constant` in simd.ts. */
// @ts-ignore: decorator
@inline
export function at(table: usize, i: i32): v128 {
  return v128.load32_splat(table + (<usize>i << 2));
}

/** What most of them need: 1, ½, −½, ∞, −∞, the least normal number, 2^23, −23, 2, −127·ln 2. */
const COMMON = memory.data<f32>([1, 0.5, -0.5, Infinity, -Infinity, 1.1754944e-38, 8388608, -23, 2, -88.02969]);
/** The sign's bit, the exponent's bias, the rounder of exp (what was added to it is what its bits are more), √½. */
const BITS = memory.data<u32>([0x80000000, 127, 0x4b400000, 0x3f3504f3, 0x4b400000 - 126]);

// @ts-ignore: decorator
@inline
export function one(): v128 {
  return at(COMMON, 0);
}

/** `magnitude` with the sign of `x`. */
// @ts-ignore: decorator
@inline
export function withSign(magnitude: v128, x: v128): v128 {
  return v128.bitselect(x, magnitude, at(BITS, 0));
}

/** p[0]·x^n + … + p[n] for `terms` coefficients of a table, at most nine. The number is a constant, so no test is left. */
// @ts-ignore: decorator
@inline
export function horner(x: v128, table: usize, first: i32, terms: i32): v128 {
  let sum = fma(fma(at(table, first), x, at(table, first + 1)), x, at(table, first + 2));
  if (terms > 3) sum = fma(sum, x, at(table, first + 3));
  if (terms > 4) sum = fma(sum, x, at(table, first + 4));
  if (terms > 5) sum = fma(sum, x, at(table, first + 5));
  if (terms > 6) sum = fma(sum, x, at(table, first + 6));
  if (terms > 7) sum = fma(sum, x, at(table, first + 7));
  if (terms > 8) sum = fma(sum, x, at(table, first + 8));
  return sum;
}

/** Least and largest argument, log2 e, what rounds (1.5·2^23), −ln 2 in two pieces, then (e^r − 1 − r)/r² (Cephes, expf). */
const EXP = memory.data<f32>([
  -104, 89, 1.44269504088896341, 12582912, -0.693359375, 2.1219444e-4,
  1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
]);

/** (e^r − 1 − r) of |r| <= ln2/2. In pairs, which need not wait for each other: how long it takes is how long the chain is. */
// @ts-ignore: decorator
@inline
export function expTail(r: v128): v128 {
  const z = f32x4.mul(r, r);
  const high = fma(fma(at(EXP, 6), r, at(EXP, 7)), z, fma(at(EXP, 8), r, at(EXP, 9)));
  return f32x4.mul(fma(high, z, fma(at(EXP, 10), r, at(EXP, 11))), z);
}

/** p·2^n in two steps, of which the second overflows or becomes subnormal where the result does. */
// @ts-ignore: decorator
@inline
export function scaleByPower(p: v128, n: v128): v128 {
  const half = i32x4.shr_s(n, 1);
  const bias = at(BITS, 1);
  const first = i32x4.shl(i32x4.add(half, bias), 23);
  const second = i32x4.shl(i32x4.add(i32x4.sub(n, half), bias), 23);
  return f32x4.mul(f32x4.mul(p, first), second);
}

/** e^r of a remainder, without the power of two. */
// @ts-ignore: decorator
@inline
export function expOfRest(r: v128): v128 {
  return f32x4.add(one(), f32x4.add(r, expTail(r)));
}

// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const t = f32x4.pmin(f32x4.pmax(x, at(EXP, 0)), at(EXP, 1));
  const shifted = fma(t, at(EXP, 2), at(EXP, 3));
  const whole = f32x4.sub(shifted, at(EXP, 3));
  const r = fma(whole, at(EXP, 5), fma(whole, at(EXP, 4), t));
  return scaleByPower(expOfRest(r), i32x4.sub(shifted, at(BITS, 2)));
}

/** e^x of what is not above 0, in fewer steps: where it would be subnormal, it is 0, for that is the power of two. */
// @ts-ignore: decorator
@inline
export function expBelow(x: v128): v128 {
  const t = f32x4.pmax(x, at(COMMON, 9));
  const shifted = fma(t, at(EXP, 2), at(EXP, 3));
  const whole = f32x4.sub(shifted, at(EXP, 3));
  const r = fma(whole, at(EXP, 5), fma(whole, at(EXP, 4), t));
  return f32x4.mul(expOfRest(r), i32x4.add(i32x4.shl(shifted, 23), one()));
}

/** e^x − 1: with x = n·ln2 + r it is 2^n·(e^r − 1) + (2^n − 1), computed with half that power, since 2^128 is none. */
// @ts-ignore: decorator
@inline
export function expm1(x: v128): v128 {
  const t = f32x4.pmin(f32x4.pmax(x, splat(-30)), at(EXP, 1));
  const shifted = fma(t, at(EXP, 2), at(EXP, 3));
  const whole = f32x4.sub(shifted, at(EXP, 3));
  const r = fma(whole, at(EXP, 5), fma(whole, at(EXP, 4), t));
  const half = i32x4.shl(i32x4.sub(shifted, at(BITS, 4)), 23);
  const y = fma(half, f32x4.add(r, expTail(r)), f32x4.sub(half, at(COMMON, 1)));
  return withSign(f32x4.add(y, y), x);
}

/** log(1 + f)/f's tail in f, then ln 2 in two pieces (Cephes, logf). */
const LOG = memory.data<f32>([
  7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1, -2.12194440e-4, 0.693359375,
]);

/** Of normal positive numbers: x = 2^e·(1 + f) with 1 + f from √½ to √2. */
// @ts-ignore: decorator
@inline
export function logOfNormal(x: v128, moreE: v128): v128 {
  const e = i32x4.shr_s(i32x4.sub(x, at(BITS, 3)), 23);
  const f = f32x4.sub(i32x4.sub(x, i32x4.shl(e, 23)), one());
  const power = f32x4.add(f32x4.convert_i32x4_s(e), moreE);
  const z = f32x4.mul(f, f);
  let y = f32x4.mul(f32x4.mul(horner(f, LOG, 0, 9), f), z);
  y = fma(power, at(LOG, 9), y);
  y = fma(z, at(COMMON, 2), y);
  return fma(power, at(LOG, 10), f32x4.add(f, y));
}

// @ts-ignore: decorator
@inline
export function log(x: v128): v128 {
  const small = f32x4.lt(x, at(COMMON, 5));
  const normal = v128.bitselect(f32x4.mul(x, at(COMMON, 6)), x, small);
  let y = logOfNormal(normal, v128.and(small, at(COMMON, 7)));
  y = v128.bitselect(x, y, f32x4.eq(x, at(COMMON, 3)));
  y = v128.bitselect(at(COMMON, 4), y, f32x4.eq(x, splat(0)));
  // What is not from 0 up becomes NaN, which all ones are.
  return v128.or(y, v128.not(f32x4.ge(x, splat(0))));
}

/** log(1 + x): of the rounded sum, and what rounding it lost, to first order. */
// @ts-ignore: decorator
@inline
export function log1p(x: v128): v128 {
  const u = f32x4.add(x, one());
  const lost = f32x4.div(f32x4.sub(x, f32x4.sub(u, one())), u);
  const inside = v128.and(f32x4.gt(u, splat(0)), f32x4.lt(u, at(COMMON, 3)));
  return f32x4.add(log(u), v128.and(lost, inside));
}

/** From t = e^2|x| − 1 as t/(t + 2), which is accurate next to 0, too. */
// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
  const magnitude = f32x4.pmin(f32x4.abs(x), splat(10));
  const t = expm1(f32x4.add(magnitude, magnitude));
  return withSign(f32x4.div(t, f32x4.add(t, at(COMMON, 8))), x);
}

/** Of e^−|x|, which never overflows. What would be subnormal is 0. */
// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  return sigmoidOf(x, expBelow(v128.or(x, at(BITS, 0))));
}

/** x·sigmoid(x), down to the least numbers. */
// @ts-ignore: decorator
@inline
export function silu(x: v128): v128 {
  return f32x4.mul(x, sigmoidOf(x, exp(v128.or(x, at(BITS, 0)))));
}

/** From e^−|x|. */
// @ts-ignore: decorator
@inline
export function sigmoidOf(x: v128, e: v128): v128 {
  return f32x4.div(v128.bitselect(e, one(), i32x4.shr_s(x, 31)), f32x4.add(e, one()));
}

// @ts-ignore: decorator
@inline
export function softplus(x: v128): v128 {
  const e = exp(f32x4.neg(f32x4.abs(x)));
  // log(1 + e), as in log1p, but that the sum is from 1 to 2. What becomes of NaN does not matter: it is added to one.
  const u = f32x4.add(e, one());
  const lost = f32x4.div(f32x4.sub(e, f32x4.sub(u, one())), u);
  return f32x4.add(f32x4.pmax(x, splat(0)), f32x4.add(logOfNormal(u, splat(0)), lost));
}

/** erf: below 0.9277 x + x·p(x²); above 1 − e^(−x − x·p(x)). After N. Juffa's erff. */
const ERF = memory.data<f32>([
  -5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1,
  -1.72853470e-5, 3.83197126e-4, -3.88396438e-3, 2.42546219e-2, -1.06777877e-1, -6.34846687e-1, -1.28717512e-1,
]);

// @ts-ignore: decorator
@inline
export function erf(x: v128): v128 {
  const near = fma(horner(f32x4.mul(x, x), ERF, 0, 6), x, x);
  const t = f32x4.pmin(f32x4.abs(x), splat(4));
  const far = f32x4.sub(one(), exp(fma(horner(t, ERF, 6, 7), t, f32x4.neg(t))));
  return v128.bitselect(withSign(far, x), near, f32x4.gt(t, splat(0.927734375)));
}
