#include "few-rows.h"

#include <string.h>

#include "bfloat16.h"

/* Rows of B that are read side by side. */
#define ABREAST 8
/* Values of B in a unit, about, and the most parts that its rows are cut into. */
#define PART 65536
#define PARTS 16

typedef struct {
  int64_t M, N, K, rows;
  matrix a, b;
  /* Of each part (M, N). */
  float *partials;
  product c;
} task;

/* y (n) += x[0] * a row of B + ..., `count` rows of n values, the first at `at`. */
INLINE void add_rows(float *y, const float *x, const kept *b, int64_t at, int64_t stride, int64_t n, int count, bool half) {
  int64_t j = 0;
  for (; j + LANES <= n; j += LANES) {
    vec sum = load(y + j);
    for (int k = 0; k < count; k++) sum += x[k] * load_at(b, at + k * stride + j, half);
    store(y + j, sum);
  }
  for (; j < n; j++) {
    float sum = y[j];
    for (int k = 0; k < count; k++) sum += x[k] * value_at(b, at + k * stride + j, half);
    y[j] = sum;
  }
}

/* One part of B's rows into its partial sums, in strips that stay in the nearest cache. */
INLINE void part_of_rows(const task *t, int64_t unit, bool half) {
  int64_t begin = unit * t->rows, end = least(begin + t->rows, t->K);
  float *y = t->partials + unit * t->M * t->N;
  memset(y, 0, (size_t)(t->M * t->N) * 4);
  int64_t k = begin;
  for (; k < end; k += ABREAST) {
    int count = (int)least(ABREAST, end - k);
    for (int64_t m = 0; m < t->M; m++) {
      const float *x = t->a.at + m * t->a.row + k;
      if (count == ABREAST) add_rows(y + m * t->N, x, t->b.at, k * t->b.row, t->b.row, t->N, ABREAST, half);
      else add_rows(y + m * t->N, x, t->b.at, k * t->b.row, t->b.row, t->N, count, half);
    }
  }
}

static void some_rows(const void *job, int64_t unit, int thread) {
  (void)thread;
  const task *t = job;
  if (t->b.half) part_of_rows(t, unit, true);
  else part_of_rows(t, unit, false);
}

/* The parts' sums in their order, into C. */
static void join(const task *t, int64_t parts) {
  for (int64_t m = 0; m < t->M; m++) {
    float *to = t->c.at + m * t->c.stride;
    for (int64_t j = 0; j < t->N; j++) {
      float sum = t->c.bias ? t->c.bias[j] : 0;
      for (int64_t p = 0; p < parts; p++) sum += t->partials[(p * t->M + m) * t->N + j];
      to[j] = t->c.add ? to[j] + sum : sum;
    }
  }
}

/* Columns of a unit where B is transposed. */
#define DOTS 64

/* x (n) times what is in y from `at` on. */
INLINE float dot(const float *x, const kept *y, int64_t at, int64_t n, bool half) {
  vec a = {0}, b = {0}, c = {0}, d = {0};
  int64_t i = 0;
  for (; i + 4 * LANES <= n; i += 4 * LANES) {
    a += load(x + i) * load_at(y, at + i, half);
    b += load(x + i + LANES) * load_at(y, at + i + LANES, half);
    c += load(x + i + 2 * LANES) * load_at(y, at + i + 2 * LANES, half);
    d += load(x + i + 3 * LANES) * load_at(y, at + i + 3 * LANES, half);
  }
  for (; i + LANES <= n; i += LANES) a += load(x + i) * load_at(y, at + i, half);
  float sum = sum_lanes(a + b + (c + d));
  for (; i < n; i++) sum += x[i] * value_at(y, at + i, half);
  return sum;
}

INLINE void part_of_dots(const task *t, int64_t unit, bool half) {
  int64_t end = least((unit + 1) * DOTS, t->N);
  for (int64_t j = unit * DOTS; j < end; j++)
    for (int64_t m = 0; m < t->M; m++) {
      float sum = dot(t->a.at + m * t->a.row, t->b.at, j * t->b.column, t->K, half) + (t->c.bias ? t->c.bias[j] : 0);
      float *to = t->c.at + m * t->c.stride + j;
      *to = t->c.add ? *to + sum : sum;
    }
}

static void some_dots(const void *job, int64_t unit, int thread) {
  (void)thread;
  const task *t = job;
  if (t->b.half) part_of_dots(t, unit, true);
  else part_of_dots(t, unit, false);
}

int few_rows(engine *e, int64_t M, int64_t N, int64_t K, matrix a, matrix b, product c) {
  task t = {.M = M, .N = N, .K = K, .a = a, .b = b, .c = c};
  double cost = (double)N * K * .25;
  if (b.row == 1 && b.column != 1) {
    share(e, pieces(N, DOTS), cost, some_dots, &t);
  } else {
    /* By the sizes alone, since that decides how sums are rounded. */
    t.rows = most(most(pieces(PART, N), pieces(K, PARTS)), ABREAST);
    t.rows = pieces(t.rows, ABREAST) * ABREAST;
    int64_t parts = pieces(K, t.rows);
    SCRATCH(float, partials, e, parts * M * N + 1);
    t.partials = partials;
    share(e, parts, cost, some_rows, &t);
    join(&t, parts);
  }
  for (int64_t j = 0; c.finish && j < N; j += TILE_COLUMNS)
    c.finish(c.with, c.at + j, c.stride, 0, j, M, least(TILE_COLUMNS, N - j));
  return DONE;
}
