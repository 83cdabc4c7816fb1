/* LayerNorm over rows of C values and its gradient; the std of each row and its gradient. */
#include "rows.h"

typedef struct {
  float *y, *mean, *rstd;
  const float *x, *gamma, *beta;
  int64_t N, C;
  float eps;
} norm;

static void norm_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const norm *t = job;
  for (int64_t r = unit * ROWS, end = least(r + ROWS, t->N); r < end; r++) {
    const float *x = t->x + r * t->C;
    moments m = moments_of(x, t->C);
    float rstd = 1 / sqrtf(m.variance + t->eps);
    t->mean[r] = m.center + m.rest;
    t->rstd[r] = rstd;
    normalize(t->y + r * t->C, x, m, rstd, t->gamma, t->beta, t->C);
  }
}

/* y (N, C), mean and rstd (N) of x (N, C), gamma and beta (C). */
EXPORT int layer_norm(engine *e, float *y, float *mean, float *rstd, const float *x, const float *gamma,
                      const float *beta, int64_t N, int64_t C, float eps) {
  norm t = {y, mean, rstd, x, gamma, beta, N, C, eps};
  share(e, pieces(N, ROWS), (double)N * C * .2, norm_some, &t);
  return DONE;
}

typedef struct {
  const float *dy, *x, *gamma, *mean, *rstd;
  float *dx, *partials;
  int64_t N, C;
  bool add;
} gradient;

/*
 * dx of a row, (a - mean(a) - h * mean(ah)) * rstd with h = (x - mean) * rstd and a = dy * gamma; adds what the row
 * gives to dgamma and dbeta. a is rounded by itself, as in its mean, so that of one channel nothing is left.
 */
static void grad_row(const gradient *t, int64_t r, float *dgamma, float *dbeta) {
  int64_t C = t->C;
  const float *dy = t->dy + r * C, *x = t->x + r * C, *gamma = t->gamma;
  float *dx = t->dx + r * C, mean = t->mean[r], rstd = t->rstd[r];
  vec sum_a = {0}, sum_ah = {0};
  for (int64_t i = 0; i < C; i += LANES) {
    int64_t n = least(LANES, C - i);
    vec g = load_up_to(dy + i, n), h = (load_up_to(x + i, n) - mean) * rstd, a = rounded(g * load_up_to(gamma + i, n));
    sum_a += a;
    sum_ah += a * h;
    store_up_to(dgamma + i, load_up_to(dgamma + i, n) + g * h, n);
    store_up_to(dbeta + i, load_up_to(dbeta + i, n) + g, n);
  }
  float mean_a = total(sum_a) / C, mean_ah = total(sum_ah) / C;
  for (int64_t i = 0; i < C; i += LANES) {
    int64_t n = least(LANES, C - i);
    vec h = (load_up_to(x + i, n) - mean) * rstd, a = rounded(load_up_to(dy + i, n) * load_up_to(gamma + i, n));
    vec d = (a - mean_a - h * mean_ah) * rstd;
    store_up_to(dx + i, t->add ? load_up_to(dx + i, n) + d : d, n);
  }
}

static void grad_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const gradient *t = job;
  float *dgamma = t->partials + unit * 2 * t->C;
  memset(dgamma, 0, (size_t)(2 * t->C) * 4);
  for (int64_t r = unit * ROWS, end = least(r + ROWS, t->N); r < end; r++) grad_row(t, r, dgamma, dgamma + t->C);
}

/* dx (N, C), dgamma and dbeta (C) (+)= of dy, x (N, C), gamma (C), mean and rstd (N). */
EXPORT int layer_norm_grad(engine *e, float *dx, float *dgamma, float *dbeta, const float *dy, const float *x,
                           const float *gamma, const float *mean, const float *rstd, int64_t N, int64_t C, int add_dx,
                           int add_dgamma, int add_dbeta) {
  int64_t units = pieces(N, ROWS);
  SCRATCH(float, partials, e, units * 2 * C);
  gradient t = {dy, x, gamma, mean, rstd, dx, partials, N, C, add_dx};
  share(e, units, (double)N * C * .4, grad_some, &t);
  column_sums(e, dgamma, partials, units, C, 2 * C, add_dgamma);
  column_sums(e, dbeta, partials + C, units, C, 2 * C, add_dbeta);
  return done(e, DONE);
}

typedef struct {
  float *to;
  const float *x, *dstd, *std;
  int64_t N, C;
  float eps;
} deviation;

static void std_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const deviation *t = job;
  for (int64_t r = unit * ROWS, end = least(r + ROWS, t->N); r < end; r++)
    t->to[r] = sqrtf(moments_of(t->x + r * t->C, t->C).variance + t->eps);
}

/* std (N) of x (N, C). */
EXPORT int row_std(engine *e, float *std, const float *x, int64_t N, int64_t C, float eps) {
  deviation t = {.to = std, .x = x, .N = N, .C = C, .eps = eps};
  share(e, pieces(N, ROWS), (double)N * C * .15, std_some, &t);
  return DONE;
}

static void std_grad_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const deviation *t = job;
  for (int64_t r = unit * ROWS, end = least(r + ROWS, t->N); r < end; r++) {
    const float *x = t->x + r * t->C;
    float *dx = t->to + r * t->C, factor = t->dstd[r] / (t->C * t->std[r]);
    moments m = moments_of(x, t->C);
for (int64_t i = 0; i < t->C; i += LANES) {
      int64_t n = least(LANES, t->C - i);
      store_up_to(dx + i, (load_up_to(x + i, n) - m.center - m.rest) * factor, n);
    }
  }
}

/* dx (N, C) = dstd * (x - mean) / (C * std), of dstd and std (N). */
EXPORT int row_std_grad(engine *e, float *dx, const float *dstd, const float *x, const float *std, int64_t N,
                        int64_t C) {
  deviation t = {.to = dx, .x = x, .dstd = dstd, .std = std, .N = N, .C = C};
  share(e, pieces(N, ROWS), (double)N * C * .2, std_grad_some, &t);
  return DONE;
}
