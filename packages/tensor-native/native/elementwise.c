/* Filling, adding and scaling, and the sums to a scalar. */
#include "engine.h"
#include "vector.h"

/* Values of a unit. */
#define CHUNK 16384

typedef struct {
  float *y;
  const float *x;
  int64_t n;
} additions;

static void add_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const additions *t = job;
  int64_t i = unit * CHUNK, end = least(i + CHUNK, t->n);
  for (; i + LANES <= end; i += LANES) store(t->y + i, load(t->y + i) + load(t->x + i));
  for (; i < end; i++) t->y[i] += t->x[i];
}

/* y += x. */
EXPORT int add_to(engine *e, float *y, const float *x, int64_t n) {
  additions t = {y, x, n};
  share(e, pieces(n, CHUNK), n * .2, add_some, &t);
  return DONE;
}

/* y += x, of int32, which wraps. */
EXPORT int add_to_int(engine *e, int32_t *y, const int32_t *x, int64_t n) {
  (void)e;
  for (int64_t i = 0; i < n; i++) y[i] = (int32_t)((uint32_t)y[i] + (uint32_t)x[i]);
  return DONE;
}

/* Every value is the one with these bits. */
EXPORT int fill(engine *e, int32_t *y, int32_t value, int64_t n) {
  (void)e;
  for (int64_t i = 0; i < n; i++) y[i] = value;
  return DONE;
}
