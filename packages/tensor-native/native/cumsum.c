/*
 * Running sums of x (O,N,I) along N, in float64, or in int32, which wraps. With I = 1 a vector at a time; a long row goes in
 * parts, of which each begins with what is before it. Otherwise row by row, some columns side by side.
 */
#include "reduce.h"

/* Values of a unit of short rows; columns of a unit. */
#define CHUNK 16384
#define BLOCK 256

typedef struct {
  float *y;
  const float *x;
  int64_t O, N, I, unit_rows;
  cut cut;
  /* What is before each part. */
  const slot *slots;
  bool reverse, whole;
} sums;

/* Lane i becomes lane i + s, or i - s, and 0 where there is none. */
#define ZERO (wide){0}
#if LANES == 16
#define UP_1(v) SHUFFLE(v, ZERO, 8, 0, 1, 2, 3, 4, 5, 6)
#define UP_2(v) SHUFFLE(v, ZERO, 8, 8, 0, 1, 2, 3, 4, 5)
#define UP_4(v) SHUFFLE(v, ZERO, 8, 8, 8, 8, 0, 1, 2, 3)
#define DOWN_1(v) SHUFFLE(v, ZERO, 1, 2, 3, 4, 5, 6, 7, 8)
#define DOWN_2(v) SHUFFLE(v, ZERO, 2, 3, 4, 5, 6, 7, 8, 8)
#define DOWN_4(v) SHUFFLE(v, ZERO, 4, 5, 6, 7, 8, 8, 8, 8)
#elif LANES == 8
#define UP_1(v) SHUFFLE(v, ZERO, 4, 0, 1, 2)
#define UP_2(v) SHUFFLE(v, ZERO, 4, 4, 0, 1)
#define DOWN_1(v) SHUFFLE(v, ZERO, 1, 2, 3, 4)
#define DOWN_2(v) SHUFFLE(v, ZERO, 2, 3, 4, 4)
#else
#define UP_1(v) SHUFFLE(v, ZERO, 2, 0)
#define DOWN_1(v) SHUFFLE(v, ZERO, 1, 2)
#endif

/* Running sums of the lanes, from the first or from the last. */
INLINE wide running(wide v, bool reverse) {
  v += reverse ? DOWN_1(v) : UP_1(v);
#if LANES >= 8
  v += reverse ? DOWN_2(v) : UP_2(v);
#endif
#if LANES >= 16
  v += reverse ? DOWN_4(v) : UP_4(v);
#endif
  return v;
}

INLINE void run_floats(const float *x, float *y, int64_t n, double before, bool reverse) {
  wide start = splat_wide(before);
  int64_t whole = n / WIDE_LANES * WIDE_LANES;
  for (int64_t done = 0; done < whole; done += WIDE_LANES) {
    int64_t i = reverse ? n - done - WIDE_LANES : done;
    wide v = running(load_wide(x + i), reverse);
    store_narrow(y + i, start + v);
    start += splat_wide(v[reverse ? 0 : WIDE_LANES - 1]);
  }
  double sum = start[0];
  for (int64_t done = whole; done < n; done++) {
    int64_t i = reverse ? n - done - 1 : done;
    sum += x[i];
    y[i] = (float)sum;
  }
}

static void run_ints(const int32_t *x, int32_t *y, int64_t n, int32_t before, bool reverse) {
  uint32_t sum = (uint32_t)before;
  for (int64_t k = 0; k < n; k++) {
    int64_t i = reverse ? n - 1 - k : k;
    sum += (uint32_t)x[i];
    y[i] = (int32_t)sum;
  }
}

/* n values from `at` on, of which `before` is the sum of those that come first. */
static void run_of(const sums *t, int64_t at, int64_t n, double before) {
  const float *x = t->x + at;
  float *y = t->y + at;
  if (t->whole) run_ints((const int32_t *)x, (int32_t *)y, n, (int32_t)before, t->reverse);
  else if (t->reverse) run_floats(x, y, n, before, true);
  else run_floats(x, y, n, before, false);
}

static void run_rows(const void *job, int64_t unit, int thread) {
  (void)thread;
  const sums *t = job;
  int64_t end = least((unit + 1) * t->unit_rows, t->O);
  for (int64_t o = unit * t->unit_rows; o < end; o++) run_of(t, o * t->N, t->N, 0);
}

static void run_part(const void *job, int64_t unit, int thread) {
  (void)thread;
  const sums *t = job;
  int64_t o = unit / t->cut.parts, from = unit % t->cut.parts * t->cut.length;
  run_of(t, o * t->N + from, least(t->cut.length, t->N - from), t->slots[unit].a);
}

/* The sum of each part of a row becomes the sum of what is before it. */
static void carry(slot *slots, int64_t parts, bool reverse, bool whole) {
  double sum = 0;
  for (int64_t k = 0; k < parts; k++) {
    slot *s = slots + (reverse ? parts - 1 - k : k);
    double own = s->a;
    s->a = sum;
    sum = whole ? (int32_t)((uint32_t)(int32_t)sum + (uint32_t)(int32_t)own) : sum + own;
  }
}

static void run_columns(const void *job, int64_t unit, int thread) {
  (void)thread;
  const sums *t = job;
  int64_t blocks = pieces(t->I, BLOCK), i = unit % blocks * BLOCK, n = least(BLOCK, t->I - i);
  int64_t first = unit / blocks * t->N * t->I + i;
  _Alignas(64) double sum[BLOCK] = {0};
  _Alignas(64) uint32_t whole[BLOCK] = {0};
  for (int64_t k = 0; k < t->N; k++) {
    int64_t at = first + (t->reverse ? t->N - 1 - k : k) * t->I, j = 0;
    const float *x = t->x + at;
    float *y = t->y + at;
    if (t->whole) {
      const uint32_t *from = (const uint32_t *)x;
      uint32_t *to = (uint32_t *)y;
      for (; j < n; j++) to[j] = whole[j] += from[j];
      continue;
    }
    for (; j + WIDE_LANES <= n; j += WIDE_LANES) {
      wide *s = (wide *)(sum + j);
      *s += load_wide(x + j);
      store_narrow(y + j, *s);
    }
    for (; j < n; j++) y[j] = (float)(sum[j] += x[j]);
  }
}

/* y (O,N,I): the sum of x (O,N,I) up to each place along N, or from it on where `reverse`; int32 where they are `whole`. */
EXPORT int cumsum(engine *e, float *y, const float *x, int64_t O, int64_t N, int64_t I, int reverse, int whole) {
  sums t = {.y = y, .x = x, .O = O, .N = N, .I = I, .reverse = reverse, .whole = whole};
  double cost = (double)O * N * I * .3;
  if (cost == 0) return DONE;
  if (I != 1) {
    share(e, O * pieces(I, BLOCK), cost, run_columns, &t);
    return DONE;
  }
  t.cut = cut_of(O, N, 1);
  if (t.cut.parts == 1) {
    t.unit_rows = most(1, CHUNK / N);
    share(e, pieces(O, t.unit_rows), cost, run_rows, &t);
    return DONE;
  }
  slot *slots = part_slots(e, x, O, N, t.cut, whole ? &int_sum_fold : &sum_fold);
  if (!slots) return done(e, OUT_OF_MEMORY);
  for (int64_t o = 0; o < O; o++) carry(slots + o * t.cut.parts, t.cut.parts, reverse, whole);
  t.slots = slots;
  share(e, O * t.cut.parts, cost, run_part, &t);
  return done(e, DONE);
}
