/* The linear layer and its gradients, over a range of the weight's columns: products of gemm.c. */
#include "bfloat16.h"

#include "vector.h"

/*
 * y (rows, width) (+)= x (rows, K) . w + bias; w (K, stride), or (width, K) when it is transposed, floats or halves; bias
 * (width) or NULL.
 */
EXPORT int linear(engine *e, float *y, const float *x, const kept *w, const float *bias, int64_t rows, int64_t K,
                  int64_t width, int64_t stride, int transpose, int half, int add) {
  matrix b = transpose ? transposed(w, K) : plain(w, stride);
  b.half = half;
  return done(e, gemm(e, rows, width, K, plain(x, K), b, (product){.at = y, .stride = width, .add = add, .bias = bias}));
}

/* dx (rows, K) (+)= dy (rows, width) . w^T, of the same w. */
EXPORT int linear_grad_input(engine *e, float *dx, const float *dy, const float *w, int64_t rows, int64_t K,
                             int64_t width, int64_t stride, int transpose, int add) {
  matrix b = transpose ? plain(w, K) : transposed(w, stride);
  return done(e, gemm(e, rows, K, width, plain(dy, width), b, (product){.at = dx, .stride = K, .add = add}));
}

/* dw (+)= x^T . dy in the layout of w: x (rows, K), dy (rows, width). */
EXPORT int linear_grad_weight(engine *e, float *dw, const float *x, const float *dy, int64_t rows, int64_t K,
                              int64_t width, int64_t stride, int transpose, int add) {
  product c = {.at = dw, .stride = transpose ? K : stride, .add = add};
  if (transpose) return done(e, gemm(e, width, K, rows, transposed(dy, width), plain(x, K), c));
  return done(e, gemm(e, K, width, rows, transposed(x, K), plain(dy, width), c));
}

/* Columns of a unit, and rows that are summed before their sum is added to the total, so that long columns lose no digits. */
#define COLUMNS 64
#define BLOCK 128

typedef struct {
  float *out;
  const float *x;
  int64_t rows, columns, stride;
  bool add;
} sums;

static void sum_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const sums *t = job;
  int64_t begin = unit * COLUMNS, n = least(COLUMNS, t->columns - begin);
  _Alignas(64) float total[COLUMNS] = {0};
  for (int64_t row = 0; row < t->rows; row += BLOCK) {
    _Alignas(64) float block[COLUMNS] = {0};
    int64_t end = least(row + BLOCK, t->rows);
    for (int64_t r = row; r < end; r++) {
      const float *from = t->x + r * t->stride + begin;
      if (n == COLUMNS)
        for (int i = 0; i < COLUMNS; i += LANES) *(vec *)(block + i) += load(from + i);
      else
        for (int64_t i = 0; i < n; i++) block[i] += from[i];
    }
    for (int i = 0; i < COLUMNS; i++) total[i] += block[i];
  }
  for (int64_t i = 0; i < n; i++) t->out[begin + i] = t->add ? t->out[begin + i] + total[i] : total[i];
}

void column_sums(engine *e, float *out, const float *x, int64_t rows, int64_t columns, int64_t stride, bool add) {
  sums t = {out, x, rows, columns, stride, add};
  share(e, pieces(columns, COLUMNS), (double)rows * columns * .1, sum_some, &t);
}

/* out (columns) (+)= the sums of x's columns. */
EXPORT int linear_grad_bias(engine *e, float *out, const float *x, int64_t rows, int64_t columns, int add) {
  column_sums(e, out, x, rows, columns, columns, add);
  return DONE;
}
