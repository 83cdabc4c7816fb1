/* Filling, adding and scaling, and the sums to a scalar. */
#include "elementwise.h"
#include "vector.h"

/* Values of a unit; fixed, so that the order of sums is too. */
#define CHUNK 16384

typedef struct {
  float *y;
  const float *x;
  int64_t n;
  float factor;
} floats;

static void add_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const floats *t = job;
  int64_t i = unit * CHUNK, end = least(i + CHUNK, t->n);
  for (; i + LANES <= end; i += LANES) store(t->y + i, load(t->y + i) + load(t->x + i));
  for (; i < end; i++) t->y[i] += t->x[i];
}

/* y += x. */
EXPORT int add_to(engine *e, float *y, const float *x, int64_t n) {
  floats t = {.y = y, .x = x, .n = n};
  share(e, pieces(n, CHUNK), (double)n * .2, add_some, &t);
  return DONE;
}

static void scale_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const floats *t = job;
  float factor = t->factor;
  int64_t i = unit * CHUNK, end = least(i + CHUNK, t->n);
  for (; i + LANES <= end; i += LANES) store(t->y + i, load(t->x + i) * factor);
  for (; i < end; i++) t->y[i] = t->x[i] * factor;
}

static void add_scaled(const void *job, int64_t unit, int thread) {
  (void)thread;
  const floats *t = job;
  float factor = t->factor;
  int64_t i = unit * CHUNK, end = least(i + CHUNK, t->n);
  for (; i + LANES <= end; i += LANES) store(t->y + i, load(t->y + i) + load(t->x + i) * factor);
  for (; i < end; i++) t->y[i] += t->x[i] * factor;
}

/* y (n) (+)= factor * by * x; by is a scalar, or NULL. */
EXPORT int scale(engine *e, float *y, const float *x, const float *by, int64_t n, double factor, int add) {
  floats t = {y, x, n, by ? (float)factor * *by : (float)factor};
  share(e, pieces(n, CHUNK), (double)n * .2, add ? add_scaled : scale_some, &t);
  return DONE;
}

typedef struct {
  int32_t *y;
  const int32_t *x;
  int64_t n;
  int32_t value;
} ints;

static void add_some_ints(const void *job, int64_t unit, int thread) {
  (void)thread;
  const ints *t = job;
  for (int64_t i = unit * CHUNK, end = least(i + CHUNK, t->n); i < end; i++)
    t->y[i] = (int32_t)((uint32_t)t->y[i] + (uint32_t)t->x[i]);
}

/* y += x, of int32, which wraps. */
EXPORT int add_to_int(engine *e, int32_t *y, const int32_t *x, int64_t n) {
  ints t = {.y = y, .x = x, .n = n};
  share(e, pieces(n, CHUNK), (double)n * .2, add_some_ints, &t);
  return DONE;
}

static void fill_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const ints *t = job;
  for (int64_t i = unit * CHUNK, end = least(i + CHUNK, t->n); i < end; i++) t->y[i] = t->value;
}

/* Every value is the one with these bits. */
EXPORT int fill(engine *e, int32_t *y, int32_t value, int64_t n) {
  ints t = {.y = y, .n = n, .value = value};
  share(e, pieces(n, CHUNK), (double)n * .1, fill_some, &t);
  return DONE;
}

typedef struct {
  int32_t *y;
  int64_t n;
  double start, step;
  bool whole;
} progression;

/* What is behind the point is lost, and the ends of int32's range hold. */
INLINE int32_t whole_part(double x) {
  return x >= 2147483647.0 ? INT32_MAX : x > -2147483648.0 ? (int32_t)x : x == x ? INT32_MIN : 0;
}

static void range_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const progression *t = job;
  float *y = (float *)t->y;
  for (int64_t i = unit * CHUNK, end = least(i + CHUNK, t->n); i < end; i++) {
    double x = t->start + t->step * (double)i;
    if (t->whole) t->y[i] = whole_part(x);
    else y[i] = (float)x;
  }
}

/* y (n) = start, start + step, ..., in float64; int32 where it is whole, else float32. */
EXPORT int range(engine *e, int32_t *y, int64_t n, double start, double step, int whole) {
  progression t = {y, n, start, step, whole};
  share(e, pieces(n, CHUNK), (double)n * .5, range_some, &t);
  return DONE;
}

typedef struct {
  double *partial;
  const float *x;
  int64_t n;
} summands;

static void sum_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const summands *t = job;
  int64_t i = unit * CHUNK, end = least(i + CHUNK, t->n);
  wide a = {0}, b = a, c = a, d = a;
  for (; i + 2 * LANES <= end; i += 2 * LANES) {
    a += load_wide(t->x + i);
    b += load_wide(t->x + i + WIDE_LANES);
    c += load_wide(t->x + i + 2 * WIDE_LANES);
    d += load_wide(t->x + i + 3 * WIDE_LANES);
  }
  double total = sum_wide((a + b) + (c + d));
  for (; i < end; i++) total += t->x[i];
  t->partial[unit] = total;
}

INLINE wide squares(const float *x) {
  wide low = load_wide(x), high = load_wide(x + WIDE_LANES);
  return low * low + high * high;
}

/* Four places of a chunk are read in turns: memory that is far comes faster so than in one row. */
static void sum_squares_of_some(const void *job, int64_t unit, int thread) {
  (void)thread;
  const summands *t = job;
  const float *x = t->x + unit * CHUNK;
  int64_t n = least(CHUNK, t->n - unit * CHUNK), quarter = n / (4 * LANES) * LANES;
  wide a = {0}, b = a, c = a, d = a;
  for (int64_t i = 0; i < quarter; i += LANES) {
    a += squares(x + i);
    b += squares(x + i + quarter);
    c += squares(x + i + 2 * quarter);
    d += squares(x + i + 3 * quarter);
  }
  double total = sum_wide((a + b) + (c + d));
  for (int64_t i = 4 * quarter; i < n; i++) total += (double)x[i] * x[i];
  t->partial[unit] = total;
}

/* y (+)= the sum of float64 sums of chunks, in order. */
static int total_of(engine *e, float *y, const float *x, int64_t n, bool add, work *of) {
  int64_t chunks = pieces(n, CHUNK);
  SCRATCH(double, partial, e, chunks);
  summands t = {partial, x, n};
  share(e, chunks, (double)n * .15, of, &t);
  double total = 0;
  for (int64_t i = 0; i < chunks; i++) total += partial[i];
  *y = add ? *y + (float)total : (float)total;
  return done(e, DONE);
}

/* y, a scalar, (+)= the sum of x (n). */
EXPORT int sum(engine *e, float *y, const float *x, int64_t n, int add) {
  return total_of(e, y, x, n, add, sum_some);
}

/* y, a scalar, (+)= the sum of the squares of x (n). */
EXPORT int sum_squares(engine *e, float *y, const float *x, int64_t n, int add) {
  return total_of(e, y, x, n, add, sum_squares_of_some);
}
