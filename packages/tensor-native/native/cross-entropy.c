/*
 * The head and its cross-entropy. A tile of logits, as soon as it is there, becomes exponentials beside the largest of each of
 * its rows; the rows' losses, and their gradients, come of what the tiles leave.
 */
#include <math.h>

#include "functions.h"
#include "head.h"

/* What tiles leave: of rows and tiles of TILE_COLUMNS columns the largest logit and the sum of exponentials. */
typedef struct {
  int64_t tiles;
  float *largest, *sums;
  const int32_t *targets;
  /* The logits of the targets, (rows). */
  float *hits;
  /* The first of the ids that are computed now. */
  int64_t first;
} left;

/* x = e^(x - shift), and their sum. */
INLINE float row_exponentials(float *x, int64_t n, float shift) {
  vec sum = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    vec y = exp_below(load(x + i) - shift);
    store(x + i, y);
    sum += y;
  }
  float total = sum_lanes(sum);
  if (i == n) return total;
  vec rest = exp_below(load_part(x + i, n - i) - shift);
  store_part(x + i, rest, n - i);
  for (int64_t j = 0; j < n - i; j++) total += rest[j];
  return total;
}

static void exponentials(const void *with, float *c, int64_t stride, int64_t row, int64_t column, int64_t rows,
                         int64_t columns) {
  const left *t = with;
  int64_t tile = (t->first + column) / TILE_COLUMNS;
  for (int64_t r = 0; r < rows; r++) {
    float *x = c + r * stride;
    int64_t at = (row + r) * t->tiles + tile, target = t->targets[row + r] - t->first - column;
    if (target >= 0 && target < columns) t->hits[row + r] = x[target];
    t->largest[at] = row_largest(x, columns);
    t->sums[at] = row_exponentials(x, columns, t->largest[at]);
  }
}

/* ln of a row's sum of exponentials. */
static double row_lse(const left *t, int64_t row) {
  const float *largest = t->largest + row * t->tiles, *sums = t->sums + row * t->tiles;
  float top = row_largest(largest, t->tiles);
  double sum = 0;
  for (int64_t i = 0; i < t->tiles; i++) sum += sums[i] * exp((double)largest[i] - top);
  return top + log(sum);
}

static void put_loss(float *loss, double value, bool add) { *loss = add ? *loss + (float)value : (float)value; }

/* Values of logits in the making, at most. */
#define AT_ONCE (1 << 22)

/* loss (N) (+)= -ln softmax(x . w^T + bias) at the targets (N): x (N, C), w (V, C), bias (V) or NULL. */
EXPORT int linear_cross_entropy(engine *e, float *loss, const float *x, const float *w, const float *bias,
                                const int32_t *targets, int64_t N, int64_t C, int64_t V, int add) {
  /* Some ids for all rows, so that the weights are packed once. */
  int64_t ids = most(AT_ONCE / most(N, 1) / TILE_COLUMNS, 1) * TILE_COLUMNS;
  left t = {.tiles = pieces(V, TILE_COLUMNS), .targets = targets};
  SCRATCH(float, logits, e, N * least(ids, V));
  SCRATCH(float, largest, e, N * t.tiles);
  SCRATCH(float, sums, e, N * t.tiles);
  SCRATCH(float, hits, e, N);
  t.largest = largest;
  t.sums = sums;
  t.hits = hits;
  for (; t.first < V; t.first += ids) {
    int64_t some = least(ids, V - t.first);
    product c = {.at = logits, .stride = some, .finish = exponentials, .with = &t};
    if (bias) c.bias = bias + t.first;
    int code = gemm(e, N, some, C, plain(x, C), transposed(w + t.first * C, C), c);
    if (code != DONE) return done(e, code);
  }
  for (int64_t n = 0; n < N; n++) put_loss(loss + n, row_lse(&t, n) - hits[n], add);
  return done(e, DONE);
}

typedef struct {
  const left *of;
  float *e;
  int64_t stride, V;
  const float *dloss;
  const double *lse;
} weights;

/* Exponentials of one tile of one row become dlogits = dloss * (softmax - onehot). */
static void weigh(const void *job, int64_t row, int thread) {
  (void)thread;
  const weights *t = job;
  float *x = t->e + row * t->stride, dloss = t->dloss[row];
  for (int64_t tile = 0; tile < t->of->tiles; tile++) {
    int64_t begin = tile * TILE_COLUMNS, end = least(begin + TILE_COLUMNS, t->V);
    float factor = dloss * (float)exp(t->of->largest[row * t->of->tiles + tile] - t->lse[row]);
    for (int64_t i = begin; i < end; i++) x[i] *= factor;
  }
  x[t->of->targets[row]] -= dloss;
}

/*
 * The loss again, and from the same logits the gradient of the sum of dloss * loss (N): dx (N, C), dw (V, C), dbias (V). Each
 * is added where it says so.
 */
EXPORT int linear_cross_entropy_grad(engine *e, float *loss, float *dx, float *dw, float *dbias, const float *dloss,
                                     const float *x, const float *w, const float *bias, const int32_t *targets,
                                     int64_t N, int64_t C, int64_t V, int add_loss, int add_dx, int add_dw,
                                     int add_dbias) {
  int64_t at_once = rows_at_once(N, V), stride = logits_stride(V);
  left t = {.tiles = pieces(V, TILE_COLUMNS)};
  SCRATCH(float, logits, e, at_once * stride);
  SCRATCH(float, largest, e, at_once * t.tiles);
  SCRATCH(float, sums, e, at_once * t.tiles);
  SCRATCH(float, hits, e, at_once);
  SCRATCH(double, lse, e, at_once);
  t.largest = largest;
  t.sums = sums;
  t.hits = hits;
  head h = {x, w, bias, C, V};
  head_gradients to = {dx, dw, dbias, add_dx, add_dw, add_dbias};
  /* Once where there are no rows, whose gradients are zeros. */
  for (int64_t row = 0; row == 0 || row < N; row += at_once) {
    int64_t rows = least(at_once, N - row);
    t.targets = targets + row;
    product c = {.at = logits, .stride = stride, .bias = bias, .finish = exponentials, .with = &t};
    int code = gemm(e, rows, V, C, plain(x + row * C, C), transposed(w, C), c);
    if (code != DONE) return done(e, code);
    for (int64_t n = 0; n < rows; n++) {
      lse[n] = row_lse(&t, n);
      put_loss(loss + row + n, lse[n] - hits[n], add_loss);
    }
    weights factors = {&t, logits, stride, V, dloss + row, lse};
    share(e, rows, (double)rows * V * .15, weigh, &factors);
    code = back_through_head(e, h, row, rows, logits, stride, to);
    if (code != DONE) return done(e, code);
  }
  return done(e, DONE);
}
