/* GELU value by value, its gradient, and the first half of GPT-2's MLP: a product that GELU follows. */
#include "gelu.h"

#include "bfloat16.h"

/* Values of a unit. */
#define CHUNK 8192

typedef struct {
  float *y;
  const float *x, *dy;
  int64_t n;
  int tanh_form;
} values;

INLINE void gelu_run(float *y, const float *x, int64_t n, int tanh_form) {
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) store(y + i, gelu_of(load(x + i), tanh_form));
  if (i < n) store_part(y + i, gelu_of(load_part(x + i, n - i), tanh_form), n - i);
}

static void gelu_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const values *t = job;
  int64_t begin = unit * CHUNK, n = least(CHUNK, t->n - begin);
  if (t->tanh_form) gelu_run(t->y + begin, t->x + begin, n, 1);
  else gelu_run(t->y + begin, t->x + begin, n, 0);
}

/* y = gelu(x), n values. */
EXPORT int gelu(engine *e, float *y, const float *x, int64_t n, int tanh_form) {
  values t = {.y = y, .x = x, .n = n, .tanh_form = tanh_form};
  share(e, pieces(n, CHUNK), n * .5, gelu_some, &t);
  return DONE;
}

INLINE void slope_run(float *dx, const float *dy, const float *x, int64_t n, int tanh_form) {
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) store(dx + i, load(dy + i) * gelu_slope(load(x + i), tanh_form));
  if (i == n) return;
  store_part(dx + i, load_part(dy + i, n - i) * gelu_slope(load_part(x + i, n - i), tanh_form), n - i);
}

static void slope_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const values *t = job;
  int64_t begin = unit * CHUNK, n = least(CHUNK, t->n - begin);
  if (t->tanh_form) slope_run(t->y + begin, t->dy + begin, t->x + begin, n, 1);
  else slope_run(t->y + begin, t->dy + begin, t->x + begin, n, 0);
}

/* dx = dy * gelu'(x), n values. */
EXPORT int gelu_grad(engine *e, float *dx, const float *dy, const float *x, int64_t n, int tanh_form) {
  values t = {.y = dx, .x = x, .dy = dy, .n = n, .tanh_form = tanh_form};
  share(e, pieces(n, CHUNK), n * .7, slope_some, &t);
  return DONE;
}

typedef struct {
  float *y;
  int64_t stride;
  int tanh_form;
} after;

static void gelu_tile(const kept *with, float *h, int64_t stride, int64_t row, int64_t column, int64_t rows,
                      int64_t columns) {
  const after *t = with;
  for (int64_t r = 0; r < rows; r++) {
    float *y = t->y + (row + r) * t->stride + column;
    if (t->tanh_form) gelu_run(y, h + r * stride, columns, 1);
    else gelu_run(y, h + r * stride, columns, 0);
  }
}

/* h (rows, M) = x (rows, K) . w (K, M), floats or halves, + bias (M), y = gelu(h). */
EXPORT int linear_gelu(engine *e, float *h, float *y, const float *x, const kept *w, const float *bias, int64_t rows,
                       int64_t K, int64_t M, int half, int tanh_form) {
  after with = {y, M, tanh_form};
  matrix b = plain(w, M);
  b.half = half;
  product c = {.at = h, .stride = M, .bias = bias, .finish = gelu_tile, .with = &with};
  return done(e, gemm(e, rows, M, K, plain(x, K), b, c));
}
