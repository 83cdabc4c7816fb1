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
  bool log;
} gradients;

/* What is summed, and what the sum makes of dy and y. */
INLINE vec summand(vec dy, vec y, bool log) { return log ? dy : dy * y; }
INLINE vec slope(vec dy, vec y, vec sum, bool log) { return log ? dy - vexp(y) * sum : y * (dy - sum); }

INLINE double slopes(const float *dy, const float *y, int64_t n, bool log) {
  wide a = {0}, b = a;
  for (int64_t i = 0; i < n; i += LANES) {
    int64_t part = least(LANES, n - i);
    vec v = summand(load_up_to(dy + i, part), load_up_to(y + i, part), log);
    a += widen_low(v);
    b += widen_high(v);
  }
  return sum_wide(a + b);
}

INLINE void apply(const float *dy, const float *y, float *dx, int64_t n, float sum, bool log) {
  for (int64_t i = 0; i < n; i += LANES) {
    int64_t part = least(LANES, n - i);
    store_up_to(dx + i, slope(load_up_to(dy + i, part), load_up_to(y + i, part), splat(sum), log), part);
  }
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

INLINE void columns_of(const gradients *t, int64_t unit, bool log) {
  int64_t blocks = pieces(t->I, COLUMNS), i = unit % blocks * COLUMNS, n = least(COLUMNS, t->I - i);
  int64_t first = unit / blocks * t->N * t->I + i;
  _Alignas(64) double sum[COLUMNS] = {0};
  for (int64_t row = 0; row < t->N; row++)
    for (int64_t j = 0, at = first + row * t->I; j < n; j += LANES) {
      int64_t part = least(LANES, n - j);
      vec v = summand(load_up_to(t->dy + at + j, part), load_up_to(t->y + at + j, part), log);
      wide *low = (wide *)(sum + j);
      low[0] += widen_low(v);
      low[1] += widen_high(v);
    }
  for (int64_t row = 0; row < t->N; row++)
    for (int64_t j = 0, at = first + row * t->I; j < n; j += LANES) {
      int64_t part = least(LANES, n - j);
      vec total = narrow(*(wide *)(sum + j), *(wide *)(sum + j + WIDE_LANES));
      vec dy = load_up_to(t->dy + at + j, part), y = load_up_to(t->y + at + j, part);
      store_up_to(t->dx + at + j, slope(dy, y, total, log), part);
    }
}

static void gradient_columns(const void *job, int64_t unit, int thread) {
  (void)thread;
  const gradients *t = job;
  if (t->log) columns_of(t, unit, true);
  else columns_of(t, unit, false);
}

/* dx (O,N,I) of dy and y (O,N,I): y * (dy - sum of dy * y over N), or for the logarithm dy - e^y * sum of dy. */
EXPORT int softmax_grad(engine *e, float *dx, const float *dy, const float *y, int64_t O, int64_t N, int64_t I,
                        int log) {
  gradients t = {.dx = dx, .dy = dy, .y = y, .O = O, .N = N, .I = I, .log = log};
  double cost = (double)O * N * I * .4;
  if (cost == 0) return DONE;
  if (I != 1) {
    share(e, O * pieces(I, COLUMNS), cost, gradient_columns, &t);
    return DONE;
  }
  t.cut = cut_of(O, N, 1);
  if (t.cut.parts == 1) {
    t.unit_rows = most(1, CHUNK / N);
    share(e, pieces(O, t.unit_rows), cost, gradient_rows, &t);
    return DONE;
  }
  SCRATCH(double, slots, e, O * t.cut.parts);
  t.slots = slots;
  share(e, O * t.cut.parts, cost, sum_part, &t);
  share(e, O * t.cut.parts, cost, gradient_part, &t);
  return done(e, DONE);
}
