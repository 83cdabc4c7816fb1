/*
 * Softmax and its logarithm of x (O,N,I) along N. With I = 1 by rows, in passes over one that is in a near cache. Of a
 * long row, and of columns, reduce.c makes the largest and the sum first.
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
  /* Of each column its largest value, and 1 / sum or its logarithm. */
  const float *largest, *factor;
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

/* Any I: some rows, each of all columns, so that memory is read in order. */
static void softmax_across(const void *job, int64_t unit, int thread) {
  (void)thread;
  const job_of *t = job;
  int64_t I = t->I, end = least((unit + 1) * t->unit_rows, t->O * t->N);
  for (int64_t row = unit * t->unit_rows; row < end; row++) {
    const float *x = t->x + row * I, *largest = t->largest + row / t->N * I, *factor = t->factor + row / t->N * I;
    float *y = t->y + row * I;
    int64_t i = 0;
    if (t->log)
      for (; i < I; i++) y[i] = x[i] - largest[i] - factor[i];
    for (; i + LANES <= I; i += LANES) store(y + i, exp_below(load(x + i) - load(largest + i)) * load(factor + i));
    if (i < I) {
      vec d = load_part(x + i, I - i) - load_part(largest + i, I - i);
      store_part(y + i, exp_below(d) * load_part(factor + i, I - i), I - i);
    }
  }
}

/* What each column needs: its largest value; 1 / sum, or its logarithm. What is not finite makes NaN, as in a row. */
static void settle(const job_of *t, float *largest, float *factor) {
  for (int64_t o = 0; o < t->O; o++)
    for (int64_t i = 0; i < t->I; i++) {
      const slot *s = t->slots + o * t->cut.parts * t->I + i;
      largest[o * t->I + i] = (float)s->a;
      factor[o * t->I + i] = !isfinite(s->a) ? NAN : (float)(t->log ? log(s->b) : 1 / s->b);
    }
}

/* y (O,N,I) of x (O,N,I): e^x / sum of e^x over N, or the logarithm of that. */
EXPORT int softmax(engine *e, float *y, const float *x, int64_t O, int64_t N, int64_t I, int log) {
  job_of t = {.y = y, .x = x, .O = O, .N = N, .I = I, .log = log, .cut = cut_of(O, N, I)};
  double cost = (double)O * N * I * .6;
  if (cost == 0) return DONE;
  if (I == 1 && t.cut.parts == 1) {
    t.unit_rows = most(1, CHUNK / N);
    share(e, pieces(O, t.unit_rows), cost, softmax_rows, &t);
    return DONE;
  }
  slot *slots = part_slots(e, x, O, N, I, t.cut, &log_sum_exp_fold);
  if (!slots) return done(e, OUT_OF_MEMORY);
  join_slots(slots, O, N, I, t.cut, &log_sum_exp_fold);
  t.slots = slots;
  if (I == 1) {
    share(e, O * t.cut.parts, cost, softmax_part, &t);
    return done(e, DONE);
  }
  SCRATCH(float, largest, e, O * I);
  SCRATCH(float, factor, e, O * I);
  settle(&t, largest, factor);
  t.largest = largest;
  t.factor = factor;
  t.unit_rows = most(1, CHUNK / I);
  share(e, pieces(O * N, t.unit_rows), cost, softmax_across, &t);
  return done(e, DONE);
}
