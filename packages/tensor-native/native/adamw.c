/* AdamW with clipping by the global norm, in place, in one pass. The squared norm is read here, not by who calls. */
#include <math.h>

#include "engine.h"
#include "vector.h"

/* Values of a unit. */
#define CHUNK 16384

typedef struct {
  float *param, *m, *v;
  const float *grad;
  int64_t n;
  float clip, beta1, rest1, beta2, rest2, eps, decay, step, correction;
} update;

INLINE vec root(vec x) {
  for (int i = 0; i < LANES; i++) x[i] = sqrtf(x[i]);
  return x;
}

INLINE vec step_of(const update *t, vec param, vec grad, vec *m, vec *v) {
  vec g = grad * t->clip;
  *m = t->beta1 * *m + t->rest1 * g;
  *v = t->beta2 * *v + t->rest2 * g * g;
  return param * t->decay - t->step * *m / (root(*v) / t->correction + t->eps);
}

static void update_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const update *t = job;
  int64_t i = unit * CHUNK, end = least(i + CHUNK, t->n);
  for (; i + LANES <= end; i += LANES) {
    vec m = load(t->m + i), v = load(t->v + i);
    store(t->param + i, step_of(t, load(t->param + i), load(t->grad + i), &m, &v));
    store(t->m + i, m);
    store(t->v + i, v);
  }
  if (i == end) return;
  int64_t rest = end - i;
  vec m = load_part(t->m + i, rest), v = load_part(t->v + i, rest);
  store_part(t->param + i, step_of(t, load_part(t->param + i, rest), load_part(t->grad + i, rest), &m, &v), rest);
  store_part(t->m + i, m, rest);
  store_part(t->v + i, v, rest);
}

/* n values each of the parameter, its gradient and its moments; nothing changes where the squared norm is not finite. */
EXPORT int adamw(engine *e, float *param, const float *grad, float *m, float *v, const float *norm_squared, int64_t n,
                 float beta1, float rest1, float beta2, float rest2, float eps, float decay, float step,
                 float correction, float max_norm) {
  if (!isfinite(*norm_squared)) return DONE;
  float norm = (float)(sqrt(*norm_squared) + 1e-6);
  float clip = max_norm / norm < 1 ? max_norm / norm : 1;
  update t = {param, m, v, grad, n, clip, beta1, rest1, beta2, rest2, eps, decay, step, correction};
  share(e, pieces(n, CHUNK), n * 1.0, update_some, &t);
  return DONE;
}
