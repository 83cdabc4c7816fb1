/*
 * What goes value by value. An operator is a line: its name, what a value takes in nanoseconds of one thread, what it makes of
 * a vector x. The name is the one that contracts have, and unary_exp, …, are the functions that src/kernels/unary.ts declares.
 */
#include "engine.h"
#include "transcendental.h"

/* Values of a unit. */
#define CHUNK 16384

typedef struct {
  float *y;
  const float *x;
  int64_t n;
} floats;

typedef struct {
  int32_t *y;
  const int32_t *x;
  int64_t n;
} ints;

/* A unit, by a function that is known where this is inlined. */
INLINE void each(const floats *t, int64_t unit, vec of(vec)) {
  int64_t i = unit * CHUNK, end = least(i + CHUNK, t->n);
  for (; i + LANES <= end; i += LANES) store(t->y + i, of(load(t->x + i)));
  if (i < end) store_part(t->y + i, of(load_part(t->x + i, end - i)), end - i);
}

INLINE void each_int(const ints *t, int64_t unit, ivec of(ivec)) {
  int64_t i = unit * CHUNK, end = least(i + CHUNK, t->n);
  for (; i + LANES <= end; i += LANES) store_int(t->y + i, of(load_int(t->x + i)));
  if (i < end) store_int_part(t->y + i, of(load_int_part(t->x + i, end - i)), end - i);
}

/* y (n) of x (n), of float32; y of some is int32 or bool. */
#define UNARY(NAME, COST, ...)                                              \
  INLINE vec of_##NAME(vec x) { return __VA_ARGS__; }                       \
  static void some_##NAME(const void *job, int64_t unit, int thread) {      \
    (void)thread;                                                           \
    each(job, unit, of_##NAME);                                             \
  }                                                                         \
  EXPORT int unary_##NAME(engine *e, float *y, const float *x, int64_t n) { \
    floats t = {y, x, n};                                                   \
    share(e, pieces(n, CHUNK), (double)n * COST, some_##NAME, &t);          \
    return DONE;                                                            \
  }

/* y (n) of x (n), of int32 and bool. */
#define UNARY_INT(NAME, ...)                                                        \
  INLINE ivec of_int_##NAME(ivec x) { return __VA_ARGS__; }                         \
  static void some_int_##NAME(const void *job, int64_t unit, int thread) {          \
    (void)thread;                                                                   \
    each_int(job, unit, of_int_##NAME);                                             \
  }                                                                                 \
  EXPORT int unary_int_##NAME(engine *e, int32_t *y, const int32_t *x, int64_t n) { \
    ints t = {y, x, n};                                                             \
    share(e, pieces(n, CHUNK), (double)n * .2, some_int_##NAME, &t);                \
    return DONE;                                                                    \
  }

/* One number a lane, by what the compiler makes a vector of. */
#define BY_LANE(NAME, F)                               \
  INLINE vec NAME(vec x) {                             \
    vec y;                                             \
    for (int i = 0; i < LANES; i++) y[i] = F(x[i]);    \
    return y;                                          \
  }
BY_LANE(vsqrt, __builtin_sqrtf)
BY_LANE(vfloor, __builtin_floorf)
BY_LANE(vceil, __builtin_ceilf)

/* Halves go to the even neighbour: by what rounds sums, where there is something behind the point. */
INLINE vec vround(vec x) {
  vec m = magnitude(x);
  return pick(m < 8388608.0f, with_sign((m + 8388608.0f) - 8388608.0f, x), x);
}

/* 1 where a comparison holds, as int32 and as bool. */
INLINE vec truth(ivec mask) { return bits(mask & 1); }

/* What is behind the point is lost, the ends of int32's range hold, NaN becomes 0. */
INLINE vec to_int32(vec x) {
  vec inside = pick((x >= -2147483648.0f) & (x < 2147483648.0f), x, splat(0.0f));
  ivec y = to_int(inside) | ((x < -2147483648.0f) & SIGN_BIT) | ((x >= 2147483648.0f) & 0x7fffffff);
  return bits(y);
}

UNARY(neg, .2, bits((ivec)x ^ SIGN_BIT))
UNARY(abs, .2, magnitude(x))
UNARY(sign, .2, only(x > 0.0f, splat(1.0f)) + only(x < 0.0f, splat(-1.0f)))
UNARY(square, .2, x * x)
UNARY(relu, .2, only(~(x <= 0.0f), x))
UNARY(exp, .3, vexp(x))
UNARY(expm1, .3, vexpm1(x))
UNARY(log, .4, vlog(x))
UNARY(log1p, .5, vlog1p(x))
UNARY(sqrt, .2, vsqrt(x))
UNARY(rsqrt, .3, 1.0f / vsqrt(x))
UNARY(reciprocal, .2, 1.0f / x)
UNARY(sin, .8, vsine(x, 0))
UNARY(cos, .8, vsine(x, 1))
UNARY(tanh, .4, vtanh(x))
UNARY(sigmoid, .4, vsigmoid(x))
UNARY(erf, .5, verf(x))
UNARY(silu, .4, vsilu(x))
UNARY(softplus, .7, vsoftplus(x))
UNARY(floor, .2, vfloor(x))
UNARY(ceil, .2, vceil(x))
UNARY(round, .2, vround(x))
UNARY(isNaN, .2, truth(x != x))
UNARY(isFinite, .2, truth(magnitude(x) < splat(INFINITY)))
UNARY(toBool, .2, truth(x != 0.0f))
UNARY(toInt32, .2, to_int32(x))

UNARY_INT(neg, (ivec)-(uvec)x)
UNARY_INT(abs, (ivec)((uvec)(x ^ (x >> 31)) - (uvec)(x >> 31)))
UNARY_INT(sign, (x >> 31) | ((x > 0) & 1))
UNARY_INT(square, (ivec)((uvec)x * (uvec)x))
UNARY_INT(relu, x & (x > 0))
UNARY_INT(logicalNot, (x == 0) & 1)
UNARY_INT(toBool, (x != 0) & 1)
UNARY_INT(toFloat32, (ivec)to_float(x))
UNARY_INT(same, x)

typedef struct {
  float *y;
  const float *x;
  int64_t n;
  float min, max;
} clamping;

static void clamp_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const clamping *t = job;
  const float min = t->min, max = t->max;
  for (int64_t i = unit * CHUNK, end = least(i + CHUNK, t->n); i < end; i++) {
    float v = t->x[i] < min ? min : t->x[i];
    t->y[i] = v > max ? max : v;
  }
}

/* y (n) of x (n): min where it is below, max where it is above, max where they cross; NaN passes. */
EXPORT int clamp(engine *e, float *y, const float *x, int64_t n, double min, double max) {
  clamping t = {y, x, n, (float)min, (float)max};
  share(e, pieces(n, CHUNK), (double)n * .2, clamp_some, &t);
  return DONE;
}

typedef struct {
  int32_t *y;
  const int32_t *x;
  int64_t n;
  int32_t min, max;
} int_clamping;

static void clamp_some_ints(const void *job, int64_t unit, int thread) {
  (void)thread;
  const int_clamping *t = job;
  const int32_t min = t->min, max = t->max;
  for (int64_t i = unit * CHUNK, end = least(i + CHUNK, t->n); i < end; i++) {
    int32_t v = t->x[i] < min ? min : t->x[i];
    t->y[i] = v > max ? max : v;
  }
}

/* The same of int32. */
EXPORT int clamp_int(engine *e, int32_t *y, const int32_t *x, int64_t n, int32_t min, int32_t max) {
  int_clamping t = {y, x, n, min, max};
  share(e, pieces(n, CHUNK), (double)n * .2, clamp_some_ints, &t);
  return DONE;
}
