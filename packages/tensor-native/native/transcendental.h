/* More functions of one variable, to the bounds of functions.h, by the polynomials of the wasm engine's assembly/math.ts. */
#ifndef NORMLESS_TRANSCENDENTAL_H
#define NORMLESS_TRANSCENDENTAL_H

#include <math.h>

#include "functions.h"

#define SIGN_BIT ((int32_t)0x80000000)

INLINE vec negative(vec x) { return bits((ivec)x | SIGN_BIT); }
INLINE vec only(ivec mask, vec x) { return bits(mask & (ivec)x); }

/* e^x - 1: with x = n * ln2 + r it is 2^n * (e^r - 1) + (2^n - 1), computed with half that power, since 2^128 is none. */
INLINE vec vexpm1(vec x) {
  ivec shifted;
  vec r = reduce_exp(smaller(splat(89.0f), larger(splat(-30.0f), x)), &shifted);
  vec half = bits((shifted - (ROUNDER_BITS - 126)) << 23);
  vec y = half * (r + exp_tail(r)) + (half - 0.5f);
  return with_sign(y + y, x);
}

/* Of normal positive numbers: x = 2^e * (1 + f) with 1 + f from sqrt(1/2) to sqrt(2) (Cephes, logf); more_e is added to e. */
INLINE vec log_of_normal(vec x, vec more_e) {
  ivec e = ((ivec)x - 0x3f3504f3) >> 23;
  vec f = bits((ivec)x - (e << 23)) - 1.0f;
  vec power = to_float(e) + more_e, z = f * f;
  vec p = 7.0376836292e-2f * f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  vec y = power * -2.12194440e-4f + p * f * z;
  y = z * -0.5f + y;
  return power * 0.693359375f + (f + y);
}

INLINE vec vlog(vec x) {
  ivec small = x < 1.1754944e-38f;
  vec y = log_of_normal(pick(small, x * 8388608.0f, x), only(small, splat(-23.0f)));
  y = pick(x == splat(INFINITY), x, y);
  y = pick(x == 0.0f, splat(-INFINITY), y);
  /* What is not from 0 up becomes NaN, which all ones are. */
  return bits((ivec)y | ~(x >= 0.0f));
}

/* log(1 + x): of the rounded sum, and what rounding it lost, to first order. */
INLINE vec vlog1p(vec x) {
  vec u = x + 1.0f, lost = (x - (u - 1.0f)) / u;
  return vlog(u) + only((u > 0.0f) & (u < splat(INFINITY)), lost);
}

/* From t = e^2|x| - 1 as t / (t + 2), which is accurate next to 0, too. */
INLINE vec vtanh(vec x) {
  vec m = smaller(splat(10.0f), magnitude(x)), t = vexpm1(m + m);
  return with_sign(t / (t + 2.0f), x);
}

/* From e = e^-|x|. */
INLINE vec sigmoid_of(vec x, vec e) { return pick((ivec)x < 0, e, splat(1.0f)) / (e + 1.0f); }
/* What would be subnormal is 0. */
INLINE vec vsigmoid(vec x) { return sigmoid_of(x, exp_below(negative(x))); }
/* x * sigmoid(x), down to the least numbers. */
INLINE vec vsilu(vec x) { return x * sigmoid_of(x, vexp(negative(x))); }

/* log(1 + e), as in log1p, but that the sum is from 1 to 2. What becomes of NaN does not matter: it is added to one. */
INLINE vec vsoftplus(vec x) {
  vec e = vexp(negative(x)), u = e + 1.0f;
  vec lost = (e - (u - 1.0f)) / u;
  return larger(splat(0.0f), x) + (log_of_normal(u, splat(0.0f)) + lost);
}

/* Below 0.9277 x + x * p(x^2); above 1 - e^(-x - x * p(x)). After N. Juffa's erff. */
INLINE vec verf(vec x) {
  vec z = x * x;
  vec p = -5.96761703e-4f * z + 4.99119423e-3f;
  p = p * z - 2.67681349e-2f;
  p = p * z + 1.12819925e-1f;
  p = p * z - 3.76125336e-1f;
  p = p * z + 1.28379166e-1f;
  vec near = p * x + x;
  vec t = smaller(splat(4.0f), magnitude(x));
  vec q = -1.72853470e-5f * t + 3.83197126e-4f;
  q = q * t - 3.88396438e-3f;
  q = q * t + 2.42546219e-2f;
  q = q * t - 1.06777877e-1f;
  q = q * t - 6.34846687e-1f;
  q = q * t - 1.28717512e-1f;
  vec far = 1.0f - vexp(q * t - t);
  return pick(t > 0.927734375f, with_sign(far, x), near);
}

/* Adding it rounds a double to a whole number and leaves that in the low bits. */
#define WIDE_ROUNDER 6755399441055744.0
/* Where 2/pi times a number has no more bits to spare. */
#define FAR 4e8f

/* x - n * pi/2, of which the first piece has 25 bits: exact while n < 2^28. */
INLINE wide rest_of_quarters(wide x, wide n) {
  return (x - n * 1.57079631090164184570) - n * 1.58932547735281966916e-08;
}

/* sin(x), or cos(x) where `cosine` is 1: a quarter turn ahead. What is far out goes value by value through the C library. */
INLINE vec vsine(vec x, int cosine) {
  wide a = widen_low(x), b = widen_high(x);
  wide na = a * 6.36619772367581382433e-01 + WIDE_ROUNDER, nb = b * 6.36619772367581382433e-01 + WIDE_ROUNDER;
  vec r = narrow(rest_of_quarters(a, na - WIDE_ROUNDER), rest_of_quarters(b, nb - WIDE_ROUNDER));
  /* Which are in the low halves of little-endian float64. */
  ivec n = SHUFFLE((ivec)na, (ivec)nb, EVEN) + cosine;
  vec z = r * r;
  vec s = (-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f;
  s = s * z * r + r;
  vec c = (2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f;
  c = c * z * z + (z * -0.5f + 1.0f);
  vec y = bits((ivec)pick((n & 1) != 0, c, s) ^ ((n >> 1) << 31));
  ivec far = magnitude(x) >= FAR;
  if (__builtin_expect(any_lane(far), 0))
    for (int i = 0; i < LANES; i++)
      if (far[i]) y[i] = (float)(cosine ? cos((double)x[i]) : sin((double)x[i]));
  return y;
}

#endif
