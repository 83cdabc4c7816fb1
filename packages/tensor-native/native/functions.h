/*
 * Functions of one variable, a vector at a time, each to one or two units in the last place over all of float32, with
 * infinities and NaN as IEEE 754 has them. The same polynomials as the wasm engine's (assembly/math.ts).
 */
#ifndef NORMLESS_FUNCTIONS_H
#define NORMLESS_FUNCTIONS_H

#include <math.h>

#include "vector.h"

/* Adding 1.5 * 2^23 rounds to a whole number and leaves it in the low bits. */
#define ROUNDER 12582912.0f
#define ROUNDER_BITS 0x4b400000

INLINE vec bits(ivec i) { return (vec)i; }
INLINE vec magnitude(vec x) { return bits((ivec)x & 0x7fffffff); }
/* The magnitude of one with the sign of the other. */
INLINE vec with_sign(vec m, vec x) { return bits(((ivec)m & 0x7fffffff) | ((ivec)x & (int32_t)0x80000000)); }

/* e^r - 1 - r of |r| <= ln2/2 (Cephes, expf). In pairs, which need not wait for each other. */
INLINE vec exp_tail(vec r) {
  vec z = r * r;
  vec high = (1.98756915e-4f * r + 1.3981999507e-3f) * z + (8.3334519073e-3f * r + 4.1665795894e-2f);
  return (high * z + (1.6666665459e-1f * r + 5.0000001201e-1f)) * z;
}

/* x = n * ln2 + r; gives r, and n in the low bits of what ROUNDER was added to. */
INLINE vec reduce_exp(vec x, ivec *shifted) {
  vec s = x * 1.44269504088896341f + ROUNDER;
  vec n = s - ROUNDER;
  *shifted = (ivec)s;
  return n * 2.1219444e-4f + (n * -0.693359375f + x);
}

/* p * 2^n in two steps, of which the second overflows or becomes subnormal where the result does. */
INLINE vec scale_by_power(vec p, ivec n) {
  ivec half = n >> 1;
  return p * bits((half + 127) << 23) * bits((n - half + 127) << 23);
}

INLINE vec vexp(vec x) {
  ivec shifted;
  /* In this order NaN stays. */
  vec t = pick(x > 89.0f, splat(89.0f), pick(x < -104.0f, splat(-104.0f), x));
  vec r = reduce_exp(t, &shifted);
  return scale_by_power(1.0f + (r + exp_tail(r)), shifted - ROUNDER_BITS);
}

/* e^x of what is not above 88, in fewer steps: where it would be subnormal, it is 0, for that is the power of two. */
INLINE vec exp_below(vec x) {
  ivec shifted;
  vec r = reduce_exp(pick(x < -88.02969f, splat(-88.02969f), x), &shifted);
  return (1.0f + (r + exp_tail(r))) * bits((shifted << 23) + 0x3f800000);
}

/* erfc to a relative 1.2e-7: a Chebyshev fit of its logarithm (Press et al., Numerical Recipes, 6.2). */
INLINE vec verfc(vec x) {
  vec z = magnitude(x);
  vec t = 1.0f / (0.5f * z + 1.0f);
  vec p = 0.17087277f * t - 0.82215223f;
  p = p * t + 1.48851587f;
  p = p * t - 1.13520398f;
  p = p * t + 0.27886807f;
  p = p * t - 0.18628806f;
  p = p * t + 0.09678418f;
  p = p * t + 0.37409196f;
  p = p * t + 1.00002368f;
  p = p * t - 1.26551223f;
  vec tail = t * exp_below(p - z * z);
  return pick(x < 0.0f, 2.0f - tail, tail);
}

/* The largest of n values; NaN may be left out: whoever needs it adds it up afterwards. */
INLINE float row_largest(const float *x, int64_t n) {
  int64_t i = 0;
  vec top = splat(-INFINITY);
  for (; i + LANES <= n; i += LANES) top = larger(load(x + i), top);
  float best = largest_lane(top);
  for (; i < n; i++) best = x[i] > best ? x[i] : best;
  return best;
}

#endif
