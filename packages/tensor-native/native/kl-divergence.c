/* The head with the loss of distillation, in chunks of rows: neither model's (rows, V) logits are ever whole. */
#include <math.h>

#include "functions.h"
#include "head.h"

typedef struct {
  float *own, *teacher;
  int64_t stride, V;
  /* Or NULL: then the gradients are not wanted. */
  const float *dloss;
  float *loss;
  bool add;
} rows_of_logits;

/* Columns that are summed in float32 before their sum is added in float64. */
#define RUN 512

typedef struct {
  double own, teacher, weighted;
} sums;

/* Of one vector: both become exponentials, and their sums and that of p * (ln p - ln q) up to a constant grow. */
INLINE void take(vec *q, vec *p, float own_top, float teacher_top, ivec counted, vec *own, vec *teacher,
                 vec *weighted) {
  vec difference = (*p - teacher_top) - (*q - own_top);
  *p = exp_below(*p - teacher_top);
  *q = exp_below(*q - own_top);
  vec none = {0};
  *own += pick(counted, *q, none);
  *teacher += pick(counted, *p, none);
  *weighted += pick(counted, *p * difference, none);
}

/* Both rows become exponentials beside their largest. */
static sums exponentials(float *q, float *p, int64_t n, float own_top, float teacher_top) {
  sums total = {0, 0, 0};
  ivec all = splat_int(-1);
  for (int64_t begin = 0; begin < n; begin += RUN) {
    int64_t i = begin, end = least(begin + RUN, n);
    vec own = {0}, teacher = {0}, weighted = {0};
    for (; i + LANES <= end; i += LANES) {
      vec qs = load(q + i), ps = load(p + i);
      take(&qs, &ps, own_top, teacher_top, all, &own, &teacher, &weighted);
      store(q + i, qs);
      store(p + i, ps);
    }
    if (i < end) {
      ivec counted = {0};
      for (int64_t j = 0; j < end - i; j++) counted[j] = -1;
      vec qs = load_part(q + i, end - i), ps = load_part(p + i, end - i);
      take(&qs, &ps, own_top, teacher_top, counted, &own, &teacher, &weighted);
      store_part(q + i, qs, end - i);
      store_part(p + i, ps, end - i);
    }
    total.own += sum_lanes(own);
    total.teacher += sum_lanes(teacher);
    total.weighted += sum_lanes(weighted);
  }
  return total;
}

/* q = q * own - p * teacher; both products are rounded, so that equal ones leave exactly 0. */
static void weigh(float *q, const float *p, int64_t n, float own, float teacher) {
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) store(q + i, rounded(load(q + i) * own) - rounded(load(p + i) * teacher));
  if (i == n) return;
  vec rest = rounded(load_part(q + i, n - i) * own) - rounded(load_part(p + i, n - i) * teacher);
  store_part(q + i, rest, n - i);
}

static void divergence(const void *job, int64_t row, int thread) {
  (void)thread;
  const rows_of_logits *t = job;
  float *q = t->own + row * t->stride, *p = t->teacher + row * t->stride, *loss = t->loss + row;
  sums s = exponentials(q, p, t->V, row_largest(q, t->V), row_largest(p, t->V));
  float value = (float)(s.weighted / s.teacher + log(s.own) - log(s.teacher));
  *loss = t->add ? *loss + value : value;
  if (!t->dloss) return;
  double dloss = t->dloss[row];
  weigh(q, p, t->V, (float)(dloss / s.own), (float)(dloss / s.teacher));
}

/* What both kernels do; without dloss there are no gradients. */
static int divergences(engine *e, head h, head teacher, int64_t N, float *loss, bool add_loss, const float *dloss,
                       head_gradients to) {
  int64_t at_once = most(rows_at_once(2 * N, h.V) / 2, 1), stride = logits_stride(h.V);
  SCRATCH(float, logits, e, 2 * at_once * stride);
  float *theirs = logits + at_once * stride;
  for (int64_t row = 0; row == 0 || row < N; row += at_once) {
    int64_t rows = least(at_once, N - row);
    product own = {.at = logits, .stride = stride, .bias = h.bias};
    int code = gemm(e, rows, h.V, h.C, plain(h.x + row * h.C, h.C), transposed(h.w, h.C), own);
    if (code != DONE) return code;
    product other = {.at = theirs, .stride = stride, .bias = teacher.bias};
    matrix x = plain(teacher.x + row * teacher.C, teacher.C);
    code = gemm(e, rows, h.V, teacher.C, x, transposed(teacher.w, teacher.C), other);
    if (code != DONE) return code;
    rows_of_logits t = {logits, theirs, stride, h.V, dloss ? dloss + row : NULL, loss + row, add_loss};
    share(e, rows, (double)rows * h.V * 1.5, divergence, &t);
    if (dloss) code = back_through_head(e, h, row, rows, logits, stride, to);
    if (code != DONE) return code;
  }
  return DONE;
}

/* loss (N) (+)= KL(teacher || own): x (N, C), w (V, C), bias (V) or NULL; the teacher's of its own C. */
EXPORT int linear_kl_divergence(engine *e, float *loss, const float *x, const float *w, const float *bias,
                                const float *teacher_x, const float *teacher_w, const float *teacher_bias, int64_t N,
                                int64_t C, int64_t teacher_C, int64_t V, int add) {
  head own = {x, w, bias, C, V}, teacher = {teacher_x, teacher_w, teacher_bias, teacher_C, V};
  return done(e, divergences(e, own, teacher, N, loss, add, NULL, (head_gradients){0}));
}

/* The same, and the gradient of the sum of dloss * loss: dx (N, C), dw (V, C), dbias (V). */
EXPORT int linear_kl_divergence_grad(engine *e, float *loss, float *dx, float *dw, float *dbias, const float *dloss,
                                     const float *x, const float *w, const float *bias, const float *teacher_x,
                                     const float *teacher_w, const float *teacher_bias, int64_t N, int64_t C,
                                     int64_t teacher_C, int64_t V, int add_loss, int add_dx, int add_dw,
                                     int add_dbias) {
  head own = {x, w, bias, C, V}, teacher = {teacher_x, teacher_w, teacher_bias, teacher_C, V};
  head_gradients to = {dx, dw, dbias, add_dx, add_dw, add_dbias};
  return done(e, divergences(e, own, teacher, N, loss, add_loss, dloss, to));
}
