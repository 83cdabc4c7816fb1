/*
 * GELU and its gradient, tanh form and exact. 0.5 * (1 + tanh u) is computed as 1/(1 + e^-2u), which loses nothing. Far below 0
 * that is not 0 but at least e^-88, which is nothing beside 1, but something times a value of 1e38, or of 1e13 and its square:
 * so it is multiplied by no value below -20, and in the slope by none above 20, where the product is nothing either.
 */
#ifndef NORMLESS_GELU_H
#define NORMLESS_GELU_H

#include "functions.h"

/* e^-2u of the tanh form. */
INLINE vec gelu_exponential(vec v) {
  vec u = (v * v * v * 0.044715f + v) * -1.5957691216057308f;
  return exp_below(smaller(splat(88.37626f), u));
}

INLINE vec gelu_cdf(vec v) { return 0.5f * verfc(v * -0.7071067811865476f); }

INLINE vec gelu_of(vec v, int tanh_form) {
  if (!tanh_form) return v * gelu_cdf(v);
  return larger(splat(-20.0f), v) / (1.0f + gelu_exponential(v));
}

/* d/dv of v * s(2u) is s + v * s * (1 - s) * 2u'. */
INLINE vec gelu_slope(vec v, int tanh_form) {
  if (!tanh_form) return v * (vexp(v * v * -0.5f) * 0.3989422804014327f) + gelu_cdf(v);
  vec t = smaller(splat(20.0f), larger(splat(-20.0f), v));
  vec s = 1.0f / (1.0f + gelu_exponential(v));
  return s * (1.0f - s) * t * (t * t * 0.21406532f + 1.5957691216057308f) + s;
}

#endif
