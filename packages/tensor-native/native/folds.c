/* Sums and products, the largest and the least: operators of reduce.h, a line each. */
#include <math.h>

#include "exponentials.h"
#include "reduce.h"

/* float32 taken in as float64. `of` is known where this is inlined. */
INLINE void wide_run(const float *x, int64_t n, slot *to, double start, wide of(wide, wide)) {
  wide all = splat_wide(start);
  int64_t i = 0;
  if (n >= WIDE_LANES) {
    wide a = all, b = a, c = a, d = a;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
      a = of(a, load_wide(x + i));
      b = of(b, load_wide(x + i + WIDE_LANES));
      c = of(c, load_wide(x + i + 2 * WIDE_LANES));
      d = of(d, load_wide(x + i + 3 * WIDE_LANES));
    }
    for (; i + WIDE_LANES <= n; i += WIDE_LANES) a = of(a, load_wide(x + i));
    a = of(of(a, c), of(b, d));
    for (int lane = 0; lane < WIDE_LANES; lane++) all = of(all, splat_wide(a[lane]));
  }
  for (; i < n; i++) all = of(all, splat_wide(x[i]));
  to->a = all[0];
}

INLINE void wide_columns(const float *x, int64_t stride, int64_t rows, int64_t n, slot *to, double start,
                         wide of(wide, wide)) {
  _Alignas(64) double all[COLUMNS];
  for (int64_t j = 0; j < n; j++) all[j] = start;
  for (int64_t row = 0; row < rows; row += 8) {
    int64_t count = least(8, rows - row), j = 0;
    const float *from = x + row * stride;
    for (; j + WIDE_LANES <= n; j += WIDE_LANES) {
      wide a = *(wide *)(all + j);
      if (count == 8)
        for (int64_t r = 0; r < 8; r++) a = of(a, load_wide(from + r * stride + j));
      else
        for (int64_t r = 0; r < count; r++) a = of(a, load_wide(from + r * stride + j));
      *(wide *)(all + j) = a;
    }
    for (; j < n; j++) {
      wide a = splat_wide(all[j]);
      for (int64_t r = 0; r < count; r++) a = of(a, splat_wide(from[r * stride + j]));
      all[j] = a[0];
    }
  }
  for (int64_t j = 0; j < n; j++) to[j].a = all[j];
}

static float finish_wide(const slot *of, double factor) { return (float)(of->a * factor); }

/* An operator of float32 in float64: what it begins with, what it makes of a and b. */
#define WIDE(NAME, COST, START, ...)                                                                               \
  INLINE wide of_##NAME(wide a, wide b) { return __VA_ARGS__; }                                                    \
  static void run_##NAME(const float *x, int64_t n, int64_t from, slot *to) {                                      \
    (void)from;                                                                                                    \
    wide_run(x, n, to, START, of_##NAME);                                                                          \
  }                                                                                                                \
  static void columns_##NAME(const float *x, int64_t stride, int64_t rows, int64_t n, int64_t from, slot *to) {    \
    (void)from;                                                                                                    \
    wide_columns(x, stride, rows, n, to, START, of_##NAME);                                                        \
  }                                                                                                                \
  static void join_##NAME(slot *to, const slot *more, double have, double count) {                                 \
    (void)have, (void)count;                                                                                       \
    to->a = of_##NAME(splat_wide(to->a), splat_wide(more->a))[0];                                                  \
  }                                                                                                                \
  const fold NAME##_fold = {run_##NAME, columns_##NAME, join_##NAME, finish_wide, COST};                           \
  EXPORT int reduce_##NAME(engine *e, float *y, const float *x, int64_t O, int64_t N, int64_t I, double factor) {  \
    return reduce_by(e, &NAME##_fold, y, x, O, N, I, factor);                                                      \
  }

WIDE(sum, .15, 0, a + b)
WIDE(prod, .15, 1, a * b)

/* 32 bits taken in as they are. */
INLINE vec narrow_run(const float *x, int64_t n, vec start, vec of(vec, vec)) {
  vec all = start;
  int64_t i = 0;
  if (n >= LANES) {
    vec a = start, b = a, c = a, d = a;
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
      a = of(a, load(x + i));
      b = of(b, load(x + i + LANES));
      c = of(c, load(x + i + 2 * LANES));
      d = of(d, load(x + i + 3 * LANES));
    }
    for (; i + LANES <= n; i += LANES) a = of(a, load(x + i));
    a = of(of(a, c), of(b, d));
    for (int lane = 0; lane < LANES; lane++) all = of(all, splat(a[lane]));
  }
  for (; i < n; i++) all = of(all, splat(x[i]));
  return all;
}

INLINE void narrow_columns(const float *x, int64_t stride, int64_t rows, int64_t n, float *all, vec start,
                           vec of(vec, vec)) {
  for (int64_t j = 0; j < COLUMNS; j += LANES) *(vec *)(all + j) = start;
  for (int64_t row = 0; row < rows; row += 8) {
    int64_t count = least(8, rows - row), j = 0;
    const float *from = x + row * stride;
    for (; j + LANES <= n; j += LANES) {
      vec a = *(vec *)(all + j);
      for (int64_t r = 0; r < count; r++) a = of(a, load(from + r * stride + j));
      *(vec *)(all + j) = a;
    }
    for (; j < n; j++) {
      vec a = splat(all[j]);
      for (int64_t r = 0; r < count; r++) a = of(a, splat(from[r * stride + j]));
      all[j] = a[0];
    }
  }
}

static float finish_float(const slot *of, double factor) {
  (void)factor;
  return (float)of->a;
}
static float finish_int(const slot *of, double factor) {
  (void)factor;
  int32_t whole = (int32_t)of->a;
  float y;
  memcpy(&y, &whole, 4);
  return y;
}
/* A lane of 32 bits as a number, and back. */
INLINE double float_of(vec v) { return v[0]; }
INLINE double int_of(vec v) { return ((ivec)v)[0]; }
INLINE vec lane_of_float(double x) { return splat((float)x); }
INLINE vec lane_of_int(double x) { return (vec)splat_int((int32_t)x); }

/* An operator of what TYPE is, float or int. */
#define NARROW(NAME, TYPE, START, ...)                                                                            \
  INLINE vec of_##NAME(vec a, vec b) { return __VA_ARGS__; }                                                      \
  static void run_##NAME(const float *x, int64_t n, int64_t from, slot *to) {                                     \
    (void)from;                                                                                                   \
    to->a = TYPE##_of(narrow_run(x, n, lane_of_##TYPE(START), of_##NAME));                                        \
  }                                                                                                               \
  static void columns_##NAME(const float *x, int64_t stride, int64_t rows, int64_t n, int64_t from, slot *to) {   \
    (void)from;                                                                                                   \
    _Alignas(64) float all[COLUMNS];                                                                              \
    narrow_columns(x, stride, rows, n, all, lane_of_##TYPE(START), of_##NAME);                                    \
    for (int64_t j = 0; j < n; j++) to[j].a = TYPE##_of(splat(all[j]));                                           \
  }                                                                                                               \
  static void join_##NAME(slot *to, const slot *more, double have, double count) {                                \
    (void)have, (void)count;                                                                                      \
    to->a = TYPE##_of(of_##NAME(lane_of_##TYPE(to->a), lane_of_##TYPE(more->a)));                                 \
  }                                                                                                               \
  const fold NAME##_fold = {run_##NAME, columns_##NAME, join_##NAME, finish_##TYPE, .1};                          \
  EXPORT int reduce_##NAME(engine *e, float *y, const float *x, int64_t O, int64_t N, int64_t I, double factor) { \
    return reduce_by(e, &NAME##_fold, y, x, O, N, I, factor);                                                     \
  }

NARROW(max, float, -INFINITY, larger_or_nan(a, b))
NARROW(min, float, INFINITY, smaller_or_nan(a, b))
NARROW(int_sum, int, 0, (vec)((uvec)a + (uvec)b))
NARROW(int_prod, int, 1, (vec)((uvec)a * (uvec)b))
NARROW(int_max, int, INT32_MIN, pick((ivec)a > (ivec)b, a, b))
NARROW(int_min, int, INT32_MAX, pick((ivec)a < (ivec)b, a, b))
NARROW(int_any, int, 0, bits((ivec)a | (ivec)b))
NARROW(int_all, int, 1, bits((ivec)a & (ivec)b))

float largest_of(const float *x, int64_t n) { return narrow_run(x, n, splat(-INFINITY), of_max)[0]; }
