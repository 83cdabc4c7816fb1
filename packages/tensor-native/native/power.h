/* x to the power of y, as C's pow: 2^(y * log2 x), with the logarithm and the product in float64, to about 1 ulp. */
#ifndef NORMLESS_POWER_H
#define NORMLESS_POWER_H

#include "transcendental.h"

/* log2 of positive, finite, normal float64, which each float32 but 0 becomes: by powers of s = (m - 1) / (m + 1). */
INLINE wide log2_of(wide x) {
  /* Of sqrt(1/2), so that m is from there to sqrt(2). */
  wide_int e = ((wide_int)x - 0x3fe6a09e667f3bcd) >> 52;
  wide m = (wide)((wide_int)x - (e << 52));
  wide s = (m - 1.0) / (m + 1.0), z = s * s;
  wide p = 0.19235933878519512 * z + 0.22195308321368668;
  p = p * z + 0.26230818925253880;
  p = p * z + 0.32059889797532520;
  p = p * z + 0.41219858311113240;
  p = p * z + 0.57707801635558536;
  p = p * z + 0.96179669392597560;
  p = p * z + 2.8853900817779268;
  /* e as a number: no processor before AVX-512 converts 64 bits. */
  return p * s + ((wide)(e + 0x4338000000000000) - WIDE_ROUNDER);
}

/* y * log2 x, held where the result is certainly 0 or infinite; NaN stays. */
INLINE wide exponent_of(wide x, wide y) {
  wide l = log2_of(x);
  l = pick_wide(x == splat_wide(INFINITY), x, l);
  l = pick_wide(x == 0.0, splat_wide(-INFINITY), l);
  l = pick_wide(x != x, x, l);
  wide t = l * y;
  t = pick_wide(t < -160.0, splat_wide(-160.0), t);
  return pick_wide(t > 130.0, splat_wide(130.0), t);
}

INLINE wide whole_of(wide x) { return (x + WIDE_ROUNDER) - WIDE_ROUNDER; }

INLINE vec vpow(vec x, vec y) {
  vec m = magnitude(x);
  wide low = exponent_of(widen_low(m), widen_low(y)), high = exponent_of(widen_high(m), widen_high(y));
  wide n_low = whole_of(low), n_high = whole_of(high);
  vec r = narrow((low - n_low) * 0.6931471805599453, (high - n_high) * 0.6931471805599453);
  /* Of NaN there is no number. */
  vec n = narrow(n_low, n_high);
  vec result = scale_by_power(1.0f + (r + exp_tail(r)), to_int(only(n == n, n)));
  /* From 2^24 on all are whole and even; below, int32 has their whole parts. */
  ivec large = magnitude(y) >= 16777216.0f;
  vec small = only(~large & (y == y), y);
  ivec part = to_int(small), whole = large | ((to_float(part) == small) & (y == y));
  ivec odd = whole & ~large & ((part & 1) != 0);
  ivec finite = m < splat(INFINITY);
  /* Of a negative number, but not of -0 and -infinity, to a power that is not whole there is none: all ones are NaN. */
  result = bits((ivec)result | ((x < 0.0f) & finite & ~whole));
  result = bits((ivec)result ^ ((ivec)x & odd & SIGN_BIT));
  /* (-1)^infinity is 1, and so is everything to the power of 0 and 1 to every power, NaN included. */
  ivec minus_one = (x == -1.0f) & (magnitude(y) == splat(INFINITY));
  return pick((x == 1.0f) | (y == 0.0f) | minus_one, splat(1.0f), result);
}

#endif
