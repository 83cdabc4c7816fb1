/* Sums of exponentials, for softmax and what is made of it. */
#ifndef NORMLESS_EXPONENTIALS_H
#define NORMLESS_EXPONENTIALS_H

#include "functions.h"

/* Values that are summed in float32, a lane's few; what is small beside a sum of many must not be lost in it. */
#define EXP_RUN (16 * LANES)

/* e^(x - shift), of which y gets a copy where it is not NULL, and the sum. No x is above the shift. */
INLINE double exp_sum(const float *x, float *y, int64_t n, float shift) {
  double sum = 0;
  for (int64_t i = 0; i < n;) {
    int64_t end = least(i + EXP_RUN, n);
    vec a = {0}, b = {0};
    for (; i + 2 * LANES <= end; i += 2 * LANES) {
      vec p = exp_below(load(x + i) - shift), q = exp_below(load(x + i + LANES) - shift);
      if (y) store(y + i, p), store(y + i + LANES, q);
      a += p;
      b += q;
    }
    for (; i < end; i += LANES) {
      int64_t part = least(LANES, end - i);
      vec p = exp_below(load_part(x + i, part) - shift);
      if (y) store_part(y + i, p, part);
      a += load_part((const float *)&p, part);
    }
    sum += sum_lanes(a + b);
  }
  return sum;
}

/* The largest; NaN where there is one. */
INLINE vec larger_or_nan(vec a, vec b) { return pick((b > a) | (b != b), b, a); }
INLINE vec smaller_or_nan(vec a, vec b) { return pick((b < a) | (b != b), b, a); }

#endif
