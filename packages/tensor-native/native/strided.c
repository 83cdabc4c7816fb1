/* Copies between memory that is walked in steps and memory in a row, of any kind of value. */
#include "walk.h"

/* Which operand of a walk is which. */
enum { Y, X };

typedef struct {
  walk of;
  int32_t *y;
  const int32_t *x;
  /* Of a transposition: columns of y's rows, and from one to the next in x. */
  int64_t across, step;
} copies;

static void copy_row(const void *job, const int64_t *at, int64_t n) {
  const copies *t = job;
  int32_t *y = t->y + at[Y];
  const int32_t *x = t->x + at[X];
  int64_t move_y = t->of.move[Y], move_x = t->of.move[X];
  if (move_y == 1 && move_x == 1) {
    if (n >= 64) memcpy(y, x, (size_t)n * 4);
    else
      for (int64_t i = 0; i < n; i++) y[i] = x[i];
  } else if (move_y == 1 && move_x == 0) {
    for (int64_t i = 0, value = *x; i < n; i++) y[i] = (int32_t)value;
  } else if (move_y == 1) {
    for (int64_t i = 0; i < n; i++) y[i] = x[i * move_x];
  } else {
    for (int64_t i = 0; i < n; i++) y[i * move_y] = x[i * move_x];
  }
}

static void copy_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  walk_unit(&((const copies *)job)->of, 2, unit, copy_row, job);
}

/* y = x over a walk of both. */
EXPORT int copy_steps(engine *e, int32_t *y, const int32_t *x, const void *steps) {
  copies t = {.of = walk_of(steps, 2, 1), .y = y, .x = x};
  share(e, units_of(&t.of), (double)t.of.rows * t.of.columns * .3, copy_some, &t);
  return DONE;
}

/* One step of a transposition: in pairs of rows `s` apart, the two squares beside the diagonal change places. */
#if LANES == 16
#define SWAP_1(a, b) SHUFFLE(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30)
#define SWAP_1B(a, b) SHUFFLE(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31)
#define SWAP_2(a, b) SHUFFLE(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define SWAP_2B(a, b) SHUFFLE(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#define SWAP_4(a, b) SHUFFLE(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27)
#define SWAP_4B(a, b) SHUFFLE(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31)
#define SWAP_8(a, b) SHUFFLE(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
#define SWAP_8B(a, b) SHUFFLE(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)
#elif LANES == 8
#define SWAP_1(a, b) SHUFFLE(a, b, 0, 8, 2, 10, 4, 12, 6, 14)
#define SWAP_1B(a, b) SHUFFLE(a, b, 1, 9, 3, 11, 5, 13, 7, 15)
#define SWAP_2(a, b) SHUFFLE(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define SWAP_2B(a, b) SHUFFLE(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define SWAP_4(a, b) SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define SWAP_4B(a, b) SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15)
#else
#define SWAP_1(a, b) SHUFFLE(a, b, 0, 4, 2, 6)
#define SWAP_1B(a, b) SHUFFLE(a, b, 1, 5, 3, 7)
#define SWAP_2(a, b) SHUFFLE(a, b, 0, 1, 4, 5)
#define SWAP_2B(a, b) SHUFFLE(a, b, 2, 3, 6, 7)
#endif

#define SWAP(S)                                                    \
  _Pragma("GCC unroll 16") for (int i = 0; i < LANES; i++) if (!(i & S)) { \
    ivec low = SWAP_##S(r[i], r[i + S]), high = SWAP_##S##B(r[i], r[i + S]); \
    r[i] = low;                                                    \
    r[i + S] = high;                                               \
  }

/* LANES columns of as many rows of x become rows of y; `next` is from one row to the next. */
INLINE void turn_square(const int32_t *x, int64_t next_x, int32_t *y, int64_t next_y) {
  ivec r[LANES];
  _Pragma("GCC unroll 16") for (int i = 0; i < LANES; i++) r[i] = load_int(x + i * next_x);
  SWAP(1)
  SWAP(2)
#if LANES >= 8
  SWAP(4)
#endif
#if LANES >= 16
  SWAP(8)
#endif
  _Pragma("GCC unroll 16") for (int i = 0; i < LANES; i++) store_int(y + i * next_y, r[i]);
}

/* `n` columns of `across` rows of x become `n` rows of y. */
static void turn_row(const void *job, const int64_t *at, int64_t n) {
  const copies *t = job;
  int64_t next_x = t->step, next_y = t->of.move[Y], across = t->across;
  const int32_t *x = t->x + at[X];
  int32_t *y = t->y + at[Y];
  int64_t p = 0;
  for (; p + LANES <= n; p += LANES) {
    int64_t q = 0;
    for (; q + LANES <= across; q += LANES) turn_square(x + q * next_x + p, next_x, y + p * next_y + q, next_y);
    for (; q < across; q++)
      for (int64_t i = p; i < p + LANES; i++) y[i * next_y + q] = x[q * next_x + i];
  }
  for (; p < n; p++)
    for (int64_t q = 0; q < across; q++) y[p * next_y + q] = x[q * next_x + p];
}

static void turn_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  walk_unit(&((const copies *)job)->of, 2, unit, turn_row, job);
}

/*
 * Matrices whose columns lie side by side in x and whose rows do in y: a walk, of which each column is one of x's `across`
 * rows that are `step` apart.
 */
EXPORT int transpose(engine *e, int32_t *y, const int32_t *x, int64_t across, int64_t step, const void *steps) {
  copies t = {walk_of(steps, 2, across), y, x, across, step};
  share(e, units_of(&t.of), (double)t.of.rows * t.of.columns * across * .4, turn_some, &t);
  return DONE;
}
