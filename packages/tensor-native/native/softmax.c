/*
 * Softmax and its logarithm of x (O,N,I) along N. With I = 1 by rows, in passes over one that is in a near cache; a long row
 * goes in parts, of which reduce.c makes the largest and the sum first. Otherwise some columns at a time.
 */
#include <math.h>

#include "exponentials.h"
#include "reduce.h"

/* Values of a unit of short rows. */
#define CHUNK 16384

typedef struct {
  float *y;
  const float *x;
  int64_t O, N, I, unit_rows;
  cut cut;
  /* The first one of each row: its largest value, and the sum of exponentials. */
  const slot *slots;
  bool log;
} job_of;

/* y = (x - largest) - log of the sum: the largest first, so that large numbers lose nothing. */
static void subtract(const float *x, float *y, int64_t n, float largest, float log_sum) {
  for (int64_t i = 0; i < n; i++) y[i] = x[i] - largest - log_sum;
}

static void scale_by(float *y, int64_t n, float factor) {
  for (int64_t i = 0; i < n; i++) y[i] *= factor;
}

static void softmax_rows(const void *job, int64_t unit, int thread) {
  (void)thread;
  const job_of *t = job;
  int64_t end = least((unit + 1) * t->unit_rows, t->O);
  for (int64_t o = unit * t->unit_rows; o < end; o++) {
    const float *x = t->x + o * t->N;
    float *y = t->y + o * t->N, largest = largest_of(x, t->N);
    if (t->log) subtract(x, y, t->N, largest, (float)log(exp_sum(x, NULL, t->N, largest)));
    else {
      double sum = exp_sum(x, y, t->N, largest);
      scale_by(y, t->N, (float)(1 / sum));
    }
  }
}

static void softmax_part(const void *job, int64_t unit, int thread) {
  (void)thread;
  const job_of *t = job;
  int64_t o = unit / t->cut.parts, from = unit % t->cut.parts * t->cut.length, n = least(t->cut.length, t->N - from);
  const slot *s = t->slots + o * t->cut.parts;
  const float *x = t->x + o * t->N + from;
  float *y = t->y + o * t->N + from, largest = (float)s->a;
  if (t->log) subtract(x, y, n, largest, (float)log(s->b));
  else {
    exp_sum(x, y, n, largest);
    scale_by(y, n, (float)(1 / s->b));
  }
}

static void softmax_columns(const void *job, int64_t unit, int thread) {
  (void)thread;
  const job_of *t = job;
  int64_t blocks = pieces(t->I, COLUMNS), i = unit % blocks * COLUMNS, n = least(COLUMNS, t->I - i);
  int64_t first = unit / blocks * t->N * t->I + i;
  _Alignas(64) double sum[COLUMNS];
  _Alignas(64) float largest[COLUMNS], factor[COLUMNS] = {0};
  column_log_sums(t->x + first, t->I, t->N, n, largest, sum);
  for (int64_t j = 0; j < n; j++) {
    factor[j] = (float)(t->log ? log(sum[j]) : 1 / sum[j]);
    /* As in a row: what is not finite makes NaN. */
    if (!isfinite(largest[j])) factor[j] = NAN;
  }
  for (int64_t row = 0; row < t->N; row++) {
    const float *x = t->x + first + row * t->I;
    float *y = t->y + first + row * t->I;
    for (int64_t j = 0; j < n; j += LANES) {
      int64_t part = least(LANES, n - j);
      vec d = load_up_to(x + j, part) - load(largest + j), f = load(factor + j);
      store_up_to(y + j, t->log ? d - f : exp_below(d) * f, part);
    }
  }
}

/* y (O,N,I) of x (O,N,I): e^x / sum of e^x over N, or the logarithm of that. */
EXPORT int softmax(engine *e, float *y, const float *x, int64_t O, int64_t N, int64_t I, int log) {
  job_of t = {.y = y, .x = x, .O = O, .N = N, .I = I, .log = log};
  double cost = (double)O * N * I * .6;
  if (cost == 0) return DONE;
  if (I != 1) {
    share(e, O * pieces(I, COLUMNS), cost, softmax_columns, &t);
    return DONE;
  }
  t.cut = cut_of(O, N, 1);
  if (t.cut.parts == 1) {
    t.unit_rows = most(1, CHUNK / N);
    share(e, pieces(O, t.unit_rows), cost, softmax_rows, &t);
    return DONE;
  }
  slot *slots = part_slots(e, x, O, N, t.cut, &log_sum_exp_fold);
  if (!slots) return done(e, OUT_OF_MEMORY);
  join_slots(slots, O, N, t.cut, &log_sum_exp_fold);
  t.slots = slots;
  share(e, O * t.cut.parts, cost, softmax_part, &t);
  return done(e, DONE);
}
