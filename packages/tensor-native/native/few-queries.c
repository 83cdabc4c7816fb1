/*
 * Attention of a few queries to keys and values as they lie. Some keys are a unit, with all their heads, so that what
 * is read is one long run; each unit has a softmax of its own, and those of a query are joined in order (Dao et al.
 * 2023, "Flash-Decoding").
 */
#include "few-queries.h"

#include "attention.h"

/* Keys of a unit. */
#define SOME 64

typedef struct {
  const float *q, *k, *v;
  float *y, *lse;
  int64_t Tq, Tk, C, H, D, capacity, units;
  float scale;
  /* Of each unit and query the sum of exp(s - top) . v (C), the tops and the sums of exponentials (H each). */
  float *results;
  /* Of each thread, scores (H, SOME). */
  float *scores;
} attending;

/* Scores become exp(scale * s - top). */
static void soften(float *s, int64_t n, float scale, float *top, float *sum) {
  int64_t end = pieces(n, LANES) * LANES;
  for (int64_t j = n; j < end; j++) s[j] = -INFINITY;
  vec largest = splat(-INFINITY), all = {0};
  for (int64_t j = 0; j < end; j += LANES) largest = upper(load(s + j), largest);
  *top = largest_lane(largest) * scale;
  vec from = splat(*top == -INFINITY ? 0 : *top);
  for (int64_t j = 0; j < end; j += LANES) {
    vec p = exp_negative(load(s + j) * scale - from);
    store(s + j, p);
    all += p;
  }
  *sum = total(all);
}

/* y (D) += the sum of p[j] . v (n, D), rows `stride` apart. */
static void add_rows(float *y, const float *p, const float *v, int64_t stride, int64_t n, int64_t D) {
  int64_t d = 0;
  for (; d + LANES <= D; d += LANES) {
    vec sum = load(y + d);
    for (int64_t j = 0; j < n; j++) sum += p[j] * load(v + j * stride + d);
    store(y + d, sum);
  }
  for (; d < D; d++)
    for (int64_t j = 0; j < n; j++) y[d] += p[j] * v[j * stride + d];
}

static void attend(const void *job, int64_t unit, int thread) {
  const attending *a = job;
  int64_t C = a->C, H = a->H, D = a->D, b = unit / a->units, j0 = unit % a->units * SOME;
  const float *k = a->k + (b * a->capacity + j0) * C, *v = a->v + (b * a->capacity + j0) * C;
  float *scores = a->scores + thread * H * SOME;
  for (int64_t i = 0; i < a->Tq; i++) {
    const float *q = a->q + (b * a->Tq + i) * C;
    float *y = a->results + (unit * a->Tq + i) * (C + 2 * H), *tops = y + C, *sums = tops + H;
    int64_t seen = most(0, least(SOME, a->Tk - a->Tq + i + 1 - j0));
    for (int64_t j = 0; j < seen; j++)
      for (int64_t h = 0; h < H; h++) scores[h * SOME + j] = dot(q + h * D, k + j * C + h * D, D);
    for (int64_t h = 0; h < H; h++) soften(scores + h * SOME, seen, a->scale, tops + h, sums + h);
    memset(y, 0, (size_t)C * 4);
    for (int64_t j = 0; j < seen; j += 4)
      for (int64_t h = 0; h < H; h++)
        add_rows(y + h * D, scores + h * SOME + j, v + j * C + h * D, C, least(4, seen - j), D);
  }
}

/* A head of a query. */
static void join(const void *job, int64_t unit, int thread) {
  (void)thread;
  const attending *a = job;
  int64_t C = a->C, H = a->H, D = a->D, h = unit % H, i = unit / H % a->Tq, b = unit / (H * a->Tq);
  int64_t stride = a->Tq * (C + 2 * H);
  const float *first = a->results + b * a->units * stride + i * (C + 2 * H);
  const float *tops = first + C + h, *sums = tops + H, *values = first + h * D;
  float top = -INFINITY, sum = 0, *y = a->y + (b * a->Tq + i) * C + h * D;
  for (int64_t u = 0; u < a->units; u++) top = tops[u * stride] > top ? tops[u * stride] : top;
  memset(y, 0, (size_t)D * 4);
  for (int64_t u = 0; u < a->units; u++) {
    float weight = expf(tops[u * stride] - top);
    sum += weight * sums[u * stride];
    add_rows(y, &weight, values + u * stride, 0, 1, D);
  }
  for (int64_t d = 0; d < D; d++) y[d] /= sum;
  a->lse[(b * H + h) * a->Tq + i] = (float)(top + log(sum));
}

int few_queries(engine *e, float *y, float *lse, const float *q, const float *k, const float *v, int64_t B, int64_t Tq,
                int64_t Tk, int64_t C, int64_t H, int64_t capacity) {
  int64_t D = C / H, units = pieces(Tk, SOME);
  SCRATCH(float, results, e, B * units * Tq * (C + 2 * H));
  SCRATCH(float, scores, e, threads_of(e) * H * SOME);
  attending a = {q, k, v, y, lse, Tq, Tk, C, H, D, capacity, units, 1 / sqrtf((float)D), results, scores};
  share(e, B * units, (double)B * Tq * Tk * C * .08, attend, &a);
  share(e, B * Tq * H, (double)B * Tq * units * C * .1, join, &a);
  return done(e, DONE);
}
