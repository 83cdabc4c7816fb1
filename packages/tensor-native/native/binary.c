/*
 * What goes pair by pair, with NumPy's broadcasting, and by a condition. As in unary.c an operator is a line. Along a row each
 * operand is read, or is one value for all of it.
 */
#include "power.h"
#include "walk.h"

/* Which operand of a walk is which. */
enum { Y, A, B, CONDITION };

typedef struct {
  walk of;
  float *y;
  const float *a, *b, *condition;
} operands;

/* The next vector of a row, or the value that is repeated. */
INLINE vec next(const float *p, bool move, int64_t i) { return move ? load(p + i) : splat(*p); }
INLINE vec next_part(const float *p, bool move, int64_t i, int64_t n) {
  return move ? load_part(p + i, n) : splat(*p);
}

/* A row of n pairs, by a function that is known where this is inlined; so are the ways that operands move. */
INLINE void pair_row(const operands *t, const int64_t *at, int64_t n, bool move_a, bool move_b, vec of(vec, vec)) {
  float *y = t->y + at[Y];
  const float *a = t->a + at[A], *b = t->b + at[B];
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) store(y + i, of(next(a, move_a, i), next(b, move_b, i)));
  if (i < n) store_part(y + i, of(next_part(a, move_a, i, n - i), next_part(b, move_b, i, n - i)), n - i);
}

/* y = a ? b over a walk of y, a and b, of 32 bits of whatever kind. */
#define BINARY(NAME, COST, ...)                                                                           \
  INLINE vec of_##NAME(vec a, vec b) { return __VA_ARGS__; }                                              \
  static void row_##NAME(const void *job, const int64_t *at, int64_t n) {                                 \
    const operands *t = job;                                                                              \
    if (!t->of.move[B]) pair_row(t, at, n, t->of.move[A] != 0, false, of_##NAME);                         \
    else if (!t->of.move[A]) pair_row(t, at, n, false, true, of_##NAME);                                  \
    else pair_row(t, at, n, true, true, of_##NAME);                                                       \
  }                                                                                                       \
  static void some_##NAME(const void *job, int64_t unit, int thread) {                                    \
    (void)thread;                                                                                         \
    walk_unit(&((const operands *)job)->of, 3, unit, row_##NAME, job);                                    \
  }                                                                                                       \
  EXPORT int binary_##NAME(engine *e, float *y, const float *a, const float *b, const void *steps) {      \
    operands t = {.of = walk_of(steps, 3, 1), .y = y, .a = a, .b = b};                                    \
    share(e, units_of(&t.of), (double)t.of.rows * t.of.columns * COST, some_##NAME, &t);                  \
    return DONE;                                                                                          \
  }

/* 1 where a comparison holds, as int32 and as bool. */
INLINE vec truth(ivec mask) { return bits(mask & 1); }
INLINE vec of_uints(uvec x) { return (vec)x; }

BINARY(add, .3, a + b)
BINARY(sub, .3, a - b)
BINARY(mul, .3, a * b)
BINARY(div, .3, a / b)
BINARY(pow, 2.5, vpow(a, b))
/* NaN wins: the sum is NaN where one is. Of zeros, the one that JavaScript's Math.max and Math.min take. */
BINARY(maximum, .3, pick((a != a) | (b != b), a + b, pick(a == b, bits((ivec)a & (ivec)b), larger(a, b))))
BINARY(minimum, .3, pick((a != a) | (b != b), a + b, pick(a == b, bits((ivec)a | (ivec)b), smaller(a, b))))
BINARY(eq, .3, truth(a == b))
BINARY(ne, .3, truth(a != b))
BINARY(lt, .3, truth(a < b))
BINARY(le, .3, truth(a <= b))
BINARY(gt, .3, truth(a > b))
BINARY(ge, .3, truth(a >= b))

/* Of int32 and bool. */
BINARY(int_add, .3, of_uints((uvec)a + (uvec)b))
BINARY(int_sub, .3, of_uints((uvec)a - (uvec)b))
BINARY(int_mul, .3, of_uints((uvec)a * (uvec)b))
BINARY(int_maximum, .3, pick((ivec)a > (ivec)b, a, b))
BINARY(int_minimum, .3, pick((ivec)a < (ivec)b, a, b))
BINARY(int_eq, .3, truth((ivec)a == (ivec)b))
BINARY(int_ne, .3, truth((ivec)a != (ivec)b))
BINARY(int_lt, .3, truth((ivec)a < (ivec)b))
BINARY(int_le, .3, truth((ivec)a <= (ivec)b))
BINARY(int_gt, .3, truth((ivec)a > (ivec)b))
BINARY(int_ge, .3, truth((ivec)a >= (ivec)b))
BINARY(int_logicalAnd, .3, bits((ivec)a & (ivec)b))
BINARY(int_logicalOr, .3, bits((ivec)a | (ivec)b))

static void where_row(const void *job, const int64_t *at, int64_t n) {
  const operands *t = job;
  float *y = t->y + at[Y];
  const float *a = t->a + at[A], *b = t->b + at[B], *c = t->condition + at[CONDITION];
  bool move_a = t->of.move[A] != 0, move_b = t->of.move[B] != 0, move_c = t->of.move[CONDITION] != 0;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    store(y + i, pick((ivec)next(c, move_c, i) != 0, next(a, move_a, i), next(b, move_b, i)));
  if (i < n) {
    ivec mask = (ivec)next_part(c, move_c, i, n - i) != 0;
    store_part(y + i, pick(mask, next_part(a, move_a, i, n - i), next_part(b, move_b, i, n - i)), n - i);
  }
}

static void where_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  walk_unit(&((const operands *)job)->of, 4, unit, where_row, job);
}

/* y = condition ? a : b over a walk of y, a, b and the condition, which is bool; the others are of whatever kind. */
EXPORT int where(engine *e, float *y, const float *a, const float *b, const float *condition, const void *steps) {
  operands t = {walk_of(steps, 4, 1), y, a, b, condition};
  share(e, units_of(&t.of), (double)t.of.rows * t.of.columns * .4, where_some, &t);
  return DONE;
}
