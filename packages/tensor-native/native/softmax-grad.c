/* The gradients of softmax and of its logarithm, cut as softmax.c is. */
#include "exponentials.h"
#include "reduce.h"

/* Values of a unit of short rows. */
#define CHUNK 16384

typedef struct {
  float *dx;
  const float *dy, *y;
  int64_t O, N, I, unit_rows;
  cut cut;
  /* The sum of each part. */
  double *slots;
  /* Of columns, the sum of all parts. */
  const float *totals;
  bool log;
} gradients;

/* What is summed, and what the sum makes of dy and y. */
INLINE vec summand(vec dy, vec y, bool log) { return log ? dy : dy * y; }
INLINE vec slope(vec dy, vec y, vec sum, bool log) { return log ? dy - vexp(y) * sum : y * (dy - sum); }

INLINE double slopes(const float *dy, const float *y, int64_t n, bool log) {
  wide a = {0}, b = a;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    vec v = summand(load(dy + i), load(y + i), log);
    a += widen_low(v);
    b += widen_high(v);
  }
  vec rest = summand(load_part(dy + i, n - i), load_part(y + i, n - i), log);
  return sum_wide((a + widen_low(rest)) + (b + widen_high(rest)));
}

INLINE void apply(const float *dy, const float *y, float *dx, int64_t n, float sum, bool log) {
  vec s = splat(sum);
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) store(dx + i, slope(load(dy + i), load(y + i), s, log));
  store_part(dx + i, slope(load_part(dy + i, n - i), load_part(y + i, n - i), s, log), n - i);
}

INLINE void rows_of(const gradients *t, int64_t unit, bool log) {
  int64_t end = least((unit + 1) * t->unit_rows, t->O), N = t->N;
  for (int64_t o = unit * t->unit_rows; o < end; o++) {
    const float *dy = t->dy + o * N, *y = t->y + o * N;
    apply(dy, y, t->dx + o * N, N, (float)slopes(dy, y, N, log), log);
  }
}

static void gradient_rows(const void *job, int64_t unit, int thread) {
  (void)thread;
  const gradients *t = job;
  if (t->log) rows_of(t, unit, true);
  else rows_of(t, unit, false);
}

static void sum_part(const void *job, int64_t unit, int thread) {
  (void)thread;
  const gradients *t = job;
  int64_t o = unit / t->cut.parts, from = unit % t->cut.parts * t->cut.length, n = least(t->cut.length, t->N - from);
  const float *dy = t->dy + o * t->N + from, *y = t->y + o * t->N + from;
  t->slots[unit] = t->log ? slopes(dy, y, n, true) : slopes(dy, y, n, false);
}

static void gradient_part(const void *job, int64_t unit, int thread) {
  (void)thread;
  const gradients *t = job;
  int64_t o = unit / t->cut.parts, from = unit % t->cut.parts * t->cut.length, n = least(t->cut.length, t->N - from);
  int64_t at = o * t->N + from;
  double sum = 0;
  for (int64_t part = 0; part < t->cut.parts; part++) sum += t->slots[o * t->cut.parts + part];
  if (t->log) apply(t->dy + at, t->y + at, t->dx + at, n, (float)sum, true);
  else apply(t->dy + at, t->y + at, t->dx + at, n, (float)sum, false);
}

/* Any I: the sums of some columns of a part. */
INLINE void sum_columns(const gradients *t, int64_t unit, bool log) {
  int64_t I = t->I, blocks = pieces(I, COLUMNS), part = unit / blocks, i = unit % blocks * COLUMNS;
  int64_t from = part % t->cut.parts * t->cut.length, rows = least(t->cut.length, t->N - from);
  int64_t first = (part / t->cut.parts * t->N + from) * I + i, n = least(COLUMNS, I - i), whole = n / LANES * LANES;
  _Alignas(64) double sum[COLUMNS] = {0};
  wide *sums = (wide *)sum;
  for (int64_t row = 0; row < rows; row++) {
    const float *dy = t->dy + first + row * I, *y = t->y + first + row * I;
    for (int64_t j = 0; j < whole; j += LANES) {
      vec v = summand(load(dy + j), load(y + j), log);
      sums[j / WIDE_LANES] += widen_low(v);
      sums[j / WIDE_LANES + 1] += widen_high(v);
    }
    for (int64_t j = whole; j < n; j++) sum[j] += log ? dy[j] : dy[j] * y[j];
  }
  memcpy(t->slots + part * I + i, sum, (size_t)n * sizeof *sum);
}

static void sum_some_columns(const void *job, int64_t unit, int thread) {
  (void)thread;
  const gradients *t = job;
  if (t->log) sum_columns(t, unit, true);
  else sum_columns(t, unit, false);
}

/* The sums of all parts, in their order. */
static void join_columns(const gradients *t, float *totals) {
  for (int64_t o = 0; o < t->O; o++)
    for (int64_t i = 0; i < t->I; i++) {
      double sum = 0;
      for (int64_t part = 0; part < t->cut.parts; part++) sum += t->slots[(o * t->cut.parts + part) * t->I + i];
      totals[o * t->I + i] = (float)sum;
    }
}

/* Some rows, each of all columns, so that memory is read in order. */
INLINE void across(const gradients *t, int64_t unit, bool log) {
  int64_t I = t->I, end = least((unit + 1) * t->unit_rows, t->O * t->N);
  for (int64_t row = unit * t->unit_rows; row < end; row++) {
    const float *dy = t->dy + row * I, *y = t->y + row * I, *sum = t->totals + row / t->N * I;
    float *dx = t->dx + row * I;
    int64_t i = 0;
    for (; i + LANES <= I; i += LANES) store(dx + i, slope(load(dy + i), load(y + i), load(sum + i), log));
    if (i < I) {
      int64_t rest = I - i;
      vec last = slope(load_part(dy + i, rest), load_part(y + i, rest), load_part(sum + i, rest), log);
      store_part(dx + i, last, rest);
    }
  }
}

static void gradient_across(const void *job, int64_t unit, int thread) {
  (void)thread;
  const gradients *t = job;
  if (t->log) across(t, unit, true);
  else across(t, unit, false);
}

/* dx (O,N,I) of dy and y (O,N,I): y * (dy - sum of dy * y over N), or for the logarithm dy - e^y * sum of dy. */
EXPORT int softmax_grad(engine *e, float *dx, const float *dy, const float *y, int64_t O, int64_t N, int64_t I,
                        int log) {
  gradients t = {.dx = dx, .dy = dy, .y = y, .O = O, .N = N, .I = I, .log = log, .cut = cut_of(O, N, I)};
  double cost = (double)O * N * I * .4;
  if (cost == 0) return DONE;
  t.unit_rows = most(1, CHUNK / (I == 1 ? N : I));
  if (I == 1 && t.cut.parts == 1) {
    share(e, pieces(O, t.unit_rows), cost, gradient_rows, &t);
    return DONE;
  }
  SCRATCH(double, slots, e, O * t.cut.parts * I);
  t.slots = slots;
  if (I == 1) {
    share(e, O * t.cut.parts, cost, sum_part, &t);
    share(e, O * t.cut.parts, cost, gradient_part, &t);
    return done(e, DONE);
  }
  SCRATCH(float, totals, e, O * I);
  share(e, O * t.cut.parts * pieces(I, COLUMNS), cost, sum_some_columns, &t);
  join_columns(&t, totals);
  t.totals = totals;
  share(e, pieces(O * N, t.unit_rows), cost, gradient_across, &t);
  return done(e, DONE);
}
