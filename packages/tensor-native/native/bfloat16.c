/* float32 to bfloat16 and back. */
#include "bfloat16.h"

/* Values of a unit. */
#define CHUNK 16384

typedef struct {
  void *y;
  const void *x;
  int64_t n;
} values;

/* Halves between two go to the even one; NaN stays NaN, which rounding could make an infinity. */
INLINE uvec nearest(vec x) {
  uvec bits = (uvec)x;
  bits += 0x7fff + ((bits >> 16) & 1);
  return (uvec)pick(x != x, (vec)((uvec){0} + 0x7fc00000u), (vec)bits);
}

static void narrow_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const values *t = job;
  const float *x = t->x;
  uint16_t *y = t->y;
  int64_t i = unit * CHUNK, end = least(i + CHUNK, t->n);
  for (; i + LANES <= end; i += LANES) store_halves(y + i, nearest(load(x + i)));
  if (i < end) store_halves_part(y + i, nearest(load_part(x + i, end - i)), end - i);
}

static void widen_run(float *y, const uint16_t *x, int64_t n) {
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) store(y + i, load_halves(x + i));
  if (i < n) store_part(y + i, load_halves_part(x + i, n - i), n - i);
}

static void widen_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const values *t = job;
  int64_t begin = unit * CHUNK;
  widen_run((float *)t->y + begin, (const uint16_t *)t->x + begin, least(CHUNK, t->n - begin));
}

/* y (n), each the nearest to x (n). */
EXPORT int to_bfloat16(engine *e, uint16_t *y, const float *x, int64_t n) {
  values t = {y, x, n};
  share(e, pieces(n, CHUNK), (double)n * .2, narrow_some, &t);
  return DONE;
}

/* y (n) = x (n). */
EXPORT int from_bfloat16(engine *e, float *y, const uint16_t *x, int64_t n) {
  values t = {y, x, n};
  share(e, pieces(n, CHUNK), (double)n * .2, widen_some, &t);
  return DONE;
}

/* y (n) = x (n). */
EXPORT int same_bfloat16(engine *e, uint16_t *y, const uint16_t *x, int64_t n) {
  (void)e;
  memcpy(y, x, (size_t)n * 2);
  return DONE;
}

/* y (n), `value` in all of it. */
EXPORT int fill_bfloat16(engine *e, uint16_t *y, int value, int64_t n) {
  (void)e;
  for (int64_t i = 0; i < n; i++) y[i] = (uint16_t)value;
  return DONE;
}

/* Lines of a matrix that lie in a row each. */
typedef struct {
  float *to;
  const uint16_t *from;
  int64_t length, stride;
} lines;

static void widen_line(const void *job, int64_t unit, int thread) {
  (void)thread;
  const lines *t = job;
  widen_run(t->to + unit * t->length, t->from + unit * t->stride, t->length);
}

matrix widened(engine *e, matrix b, int64_t K, int64_t N, float *room) {
  bool turned = b.row == 1 && b.column != 1;
  lines t = {room, (const uint16_t *)b.at, turned ? K : N, turned ? b.column : b.row};
  share(e, turned ? N : K, (double)K * N * .2, widen_line, &t);
  return turned ? transposed(room, K) : plain(room, N);
}
