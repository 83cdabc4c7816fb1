/*
 * What the norms and the stds of rows share: a row's mean in two steps, so that a large one costs no digits and a constant row
 * leaves nothing; and sums over rows in chunks of a fixed size, so that their order never depends on the number of threads.
 */
#ifndef NORMLESS_ROWS_H
#define NORMLESS_ROWS_H

#include <math.h>

#include "engine.h"
#include "gemm.h"
#include "vector.h"

/* Rows of a unit. */
#define ROWS 32

/* The first n values, where n is LANES in all vectors but a row's last one. */
INLINE vec some(const float *p, int64_t n) { return n == LANES ? load(p) : load_part(p, n); }
INLINE void put_some(float *p, vec v, int64_t n) {
  if (n == LANES) store(p, v);
  else store_part(p, v, n);
}

/* Does `what(i, n)` for a row's vectors: n values from i on. */
#define EACH_VECTOR(count, what)                        \
  do {                                                  \
    int64_t i = 0;                                      \
    for (; i + LANES <= (count); i += LANES) what(LANES); \
    if (i < (count)) what((count) - i);                 \
  } while (0)

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
    vec d = some(x + i, least(LANES, n - i)) - center;
    if (i + LANES > n) d = (vec)((ivec)d & (lanes() < (int32_t)(n - i)));
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
INLINE void normalize(float *y, const float *x, moments m, float factor, const float *gamma, const float *beta, int64_t C) {
#define NORMALIZE(n) \
  put_some(y + i, (some(x + i, n) - m.center - m.rest) * factor * some(gamma + i, n) + some(beta + i, n), n)
  EACH_VECTOR(C, NORMALIZE);
}

#endif
