/* AdamW with clipping by the global norm, in place, in one pass. The squared norm is read here, not by who calls. */
#include <math.h>

#include "bfloat16.h"

/* Values of a unit. */
#define CHUNK 16384

typedef struct {
  float *param;
  kept *m, *v;
  const float *grad;
  int64_t n;
  /* Decides by what bits halves are rounded. */
  uint32_t seed;
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

static void update_floats(const void *job, int64_t unit, int thread) {
  (void)thread;
  const update *t = job;
  float *ms = t->m, *vs = t->v;
  int64_t i = unit * CHUNK, end = least(i + CHUNK, t->n);
  for (; i + LANES <= end; i += LANES) {
    vec m = load(ms + i), v = load(vs + i);
    store(t->param + i, step_of(t, load(t->param + i), load(t->grad + i), &m, &v));
    store(ms + i, m);
    store(vs + i, v);
  }
  if (i == end) return;
  int64_t rest = end - i;
  vec m = load_part(ms + i, rest), v = load_part(vs + i, rest);
  store_part(t->param + i, step_of(t, load_part(t->param + i, rest), load_part(t->grad + i, rest), &m, &v), rest);
  store_part(ms + i, m, rest);
  store_part(vs + i, v, rest);
}

/* As `mix` of packages/tensor/src/bfloat16.ts. */
INLINE uvec mixed(uvec n) {
  n = (n ^ (n >> 16)) * 0x7feb352du;
  n = (n ^ (n >> 15)) * 0x846ca68bu;
  return n ^ (n >> 16);
}

/* The same of moments that are halves: each is rounded up or down by 16 random bits of its own. */
static void update_halves(const void *job, int64_t unit, int thread) {
  (void)thread;
  const update *t = job;
  uint16_t *ms = t->m, *vs = t->v;
  int64_t i = unit * CHUNK, end = least(i + CHUNK, t->n);
  for (; i < end; i += LANES) {
    int64_t n = least(LANES, end - i);
    vec m = load_halves_part(ms + i, n), v = load_halves_part(vs + i, n);
    store_up_to(t->param + i, step_of(t, load_up_to(t->param + i, n), load_up_to(t->grad + i, n), &m, &v), n);
    uvec bits = mixed((uvec)lanes() + (uint32_t)i + t->seed);
    store_halves_part(ms + i, (uvec)m + (bits & 0xffff), n);
    store_halves_part(vs + i, (uvec)v + (bits >> 16), n);
  }
}

/*
 * n values each of the parameter, its gradient and its moments, which are floats or halves; nothing changes where the squared
 * norm is not finite.
 */
EXPORT int adamw(engine *e, float *param, const float *grad, kept *m, kept *v, const float *norm_squared, int64_t n,
                 float beta1, float rest1, float beta2, float rest2, float eps, float decay, float step,
                 float correction, float max_norm, int half, int number) {
  if (!isfinite(*norm_squared)) return DONE;
  float norm = (float)(sqrt(*norm_squared) + 1e-6);
  float clip = max_norm / norm < 1 ? max_norm / norm : 1;
  uint32_t seed = mixed((uvec){0} + (uint32_t)number)[0];
  update t = {param, m, v, grad, n, seed, clip, beta1, rest1, beta2, rest2, eps, decay, step, correction};
  share(e, pieces(n, CHUNK), n * 1.0, half ? update_halves : update_floats, &t);
  return DONE;
}
