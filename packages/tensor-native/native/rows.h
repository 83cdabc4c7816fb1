/*
 * What the norms and the stds of rows share: a row's mean in two steps, so that a large one costs no digits and a
 * constant row leaves nothing; and chunks of rows, of a fixed size, so that the order of sums over them never depends
 * on threads.
 */
#ifndef NORMLESS_ROWS_H
#define NORMLESS_ROWS_H

#include "engine.h"
#include "gemm.h"
#include "transcendental.h"

/* Rows of a unit. */
#define ROWS 32

typedef struct {
  float sum, squares;
} sums;

/* The sums of (x - center) and of its squares. */
INLINE sums sums_about(float center, const float *x, int64_t n) {
  vec sum[4] = {0}, squares[4] = {0};
  int64_t i = 0;
  for (; i + 4 * LANES <= n; i += 4 * LANES)
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++) {
      vec d = load(x + i + v * LANES) - center;
      sum[v] += d;
      squares[v] += d * d;
    }
  for (; i < n; i += LANES) {
    vec d = load_up_to(x + i, least(LANES, n - i)) - center;
    if (i + LANES > n) d = only(lanes() < (int32_t)(n - i), d);
    sum[0] += d;
    squares[0] += d * d;
  }
  return (sums){total((sum[0] + sum[1]) + (sum[2] + sum[3])),
                total((squares[0] + squares[1]) + (squares[2] + squares[3]))};
}

/* A row's mean is center + rest; the two are to be taken off one after the other. */
typedef struct {
  float center, rest, variance;
} moments;

/* The center is found by distances from the first value: of a constant row it is that value, to the bit. */
INLINE moments moments_of(const float *x, int64_t n) {
  moments m = {.center = n > 0 ? x[0] : 0};
  m.center += sums_about(m.center, x, n).sum / n;
  sums s = sums_about(m.center, x, n);
  m.rest = s.sum / n;
  m.variance = s.squares / n - m.rest * m.rest;
  return m;
}

/* y = (x - mean) * factor * gamma + beta. */
INLINE void normalize(float *y, const float *x, moments m, float factor, const float *gamma, const float *beta,
                      int64_t C) {
  for (int64_t i = 0; i < C; i += LANES) {
    int64_t n = least(LANES, C - i);
    vec h = (load_up_to(x + i, n) - m.center - m.rest) * factor;
    store_up_to(y + i, h * load_up_to(gamma + i, n) + load_up_to(beta + i, n), n);
  }
}

#endif
