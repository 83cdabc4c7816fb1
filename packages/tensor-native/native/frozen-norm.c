/* LayerNorm with a constant std for each position class, and its gradient. */
#include "rows.h"

/* One over the std of each class. */
typedef struct {
  float of[3];
} factors;

static factors factors_of(float first, float eot, float rest) { return (factors){{1 / first, 1 / eot, 1 / rest}}; }

typedef struct {
  float *y;
  const float *x, *gamma, *beta;
  const int32_t *classes;
  int64_t N, C;
  factors factor;
} norm;

static void norm_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const norm *t = job;
  for (int64_t r = unit * ROWS, end = least(r + ROWS, t->N); r < end; r++) {
    const float *x = t->x + r * t->C;
    normalize(t->y + r * t->C, x, moments_of(x, t->C), t->factor.of[t->classes[r]], t->gamma, t->beta, t->C);
  }
}

/* y (N, C) of x (N, C), gamma and beta (C), and classes (N), of which each has its std. */
EXPORT int frozen_norm(engine *e, float *y, const float *x, const float *gamma, const float *beta,
                       const int32_t *classes, int64_t N, int64_t C, float first, float eot, float rest) {
  norm t = {y, x, gamma, beta, classes, N, C, factors_of(first, eot, rest)};
  share(e, pieces(N, ROWS), (double)N * C * .2, norm_some, &t);
  return DONE;
}

typedef struct {
  const float *dy, *x, *gamma;
  const int32_t *classes;
  float *dx, *partials;
  int64_t N, C;
  factors factor;
  bool add;
} gradient;

/* dx of a row, a - mean(a) with a = dy * gamma * factor; adds what the row gives to dgamma and dbeta. */
static void grad_row(const gradient *t, int64_t r, float *dgamma, float *dbeta) {
  int64_t C = t->C;
  const float *dy = t->dy + r * C, *x = t->x + r * C, *gamma = t->gamma;
  float *dx = t->dx + r * C, factor = t->factor.of[t->classes[r]];
  moments m = moments_of(x, C);
  vec sum = {0};
  for (int64_t i = 0; i < C; i += LANES) {
    int64_t n = least(LANES, C - i);
    vec g = load_up_to(dy + i, n), h = (load_up_to(x + i, n) - m.center - m.rest) * factor;
    sum += rounded(g * load_up_to(gamma + i, n) * factor);
    store_up_to(dgamma + i, load_up_to(dgamma + i, n) + g * h, n);
    store_up_to(dbeta + i, load_up_to(dbeta + i, n) + g, n);
  }
  float mean = total(sum) / C;
  for (int64_t i = 0; i < C; i += LANES) {
    int64_t n = least(LANES, C - i);
    vec d = rounded(load_up_to(dy + i, n) * load_up_to(gamma + i, n) * factor) - mean;
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

/* dx (N, C), dgamma and dbeta (C) (+)= of dy, x (N, C), gamma (C) and classes (N). */
EXPORT int frozen_norm_grad(engine *e, float *dx, float *dgamma, float *dbeta, const float *dy, const float *x,
                            const float *gamma, const int32_t *classes, int64_t N, int64_t C, float first, float eot,
                            float rest, int add_dx, int add_dgamma, int add_dbeta) {
  int64_t units = pieces(N, ROWS);
  SCRATCH(float, partials, e, units * 2 * C);
  gradient t = {dy, x, gamma, classes, dx, partials, N, C, factors_of(first, eot, rest), add_dx};
  share(e, units, (double)N * C * .4, grad_some, &t);
  column_sums(e, dgamma, partials, units, C, 2 * C, add_dgamma);
  column_sums(e, dbeta, partials + C, units, C, 2 * C, add_dbeta);
  return done(e, DONE);
}
