/* The place of the largest or the least value, the first of them, as reductions: a slot is a value and its place. */
#include "functions.h"
#include "reduce.h"

/* Whether a is to be taken in b's place. */
typedef ivec before(vec a, vec b);

/* Values and their places, lane by lane. */
typedef struct {
  vec value;
  ivec place;
} candidates;

/* Those of b where they are before those of a, or as good and at a lower place. */
INLINE candidates better(candidates a, candidates b, before first) {
  ivec in = first(b.value, a.value) | (~first(a.value, b.value) & (b.place < a.place));
  return (candidates){pick(in, b.value, a.value), pick_int(in, b.place, a.place)};
}

/* Those of a, but the values of b, which come later, where they are before. */
INLINE candidates replaced(candidates a, vec b, ivec place, before first) {
  ivec in = first(b, a.value);
  return (candidates){pick(in, b, a.value), pick_int(in, place, a.place)};
}

/* The best of all lanes, in the first. */
INLINE candidates best_of(candidates all, before first) {
  float values[2 * LANES] = {0};
  int32_t places[2 * LANES] = {0};
  for (int half = LANES / 2; half > 0; half /= 2) {
    store(values, all.value);
    store_int(places, all.place);
    all = better(all, (candidates){load(values + half), load_int(places + half)}, first);
  }
  return all;
}

INLINE candidates best_of_run(const float *x, int64_t n, before first) {
  ivec lane;
  for (int i = 0; i < LANES; i++) lane[i] = i;
  candidates a = {splat(x[0]), splat_int(0)}, b = a;
  int64_t i = 0;
  for (; i + 2 * LANES <= n; i += 2 * LANES) {
    ivec here = lane + (int32_t)i;
    a = replaced(a, load(x + i), here, first);
    b = replaced(b, load(x + i + LANES), here + LANES, first);
  }
  for (; i < n; i += LANES) {
    int64_t count = least(LANES, n - i);
    /* What is not there is the first value, which is before none. */
    vec v = pick(lane < (int32_t)count, load_up_to(x + i, count), splat(x[0]));
    a = replaced(a, v, lane + (int32_t)i, first);
  }
  return best_of(better(a, b, first), first);
}

/* As slots: columns in vectors, of which the last may be a part. */
INLINE void best_of_columns(const float *x, int64_t stride, int64_t rows, int64_t n, before first, float *values,
                            int32_t *places) {
  for (int64_t j = 0; j < n; j += LANES) {
    store(values + j, load_up_to(x + j, least(LANES, n - j)));
    store_int(places + j, splat_int(0));
  }
  for (int64_t row = 1; row < rows; row += 8) {
    int64_t end = least(row + 8, rows);
    for (int64_t j = 0; j < n; j += LANES) {
      candidates all = {load(values + j), load_int(places + j)};
      int64_t part = least(LANES, n - j);
      for (int64_t r = row; r < end; r++)
        all = replaced(all, load_up_to(x + r * stride + j, part), splat_int((int32_t)r), first);
      store(values + j, all.value);
      store_int(places + j, all.place);
    }
  }
}

INLINE double float_of(vec v) { return v[0]; }
INLINE double int_of(vec v) { return ((ivec)v)[0]; }
INLINE vec lane_of_float(double x) { return splat((float)x); }
INLINE vec lane_of_int(double x) { return (vec)splat_int((int32_t)x); }

static float finish_place(const slot *of, double factor) {
  (void)factor;
  int32_t place = (int32_t)of->b;
  float y;
  memcpy(&y, &place, 4);
  return y;
}

/* An operator of what TYPE is, float or int: whether a is before b. */
#define PLACE(NAME, TYPE, ...)                                                                                    \
  INLINE ivec first_##NAME(vec a, vec b) { return __VA_ARGS__; }                                                  \
  static void run_##NAME(const float *x, int64_t n, int64_t from, slot *to) {                                     \
    candidates best = best_of_run(x, n, first_##NAME);                                                            \
    *to = (slot){TYPE##_of(best.value), (double)from + best.place[0]};                                            \
  }                                                                                                               \
  static void columns_##NAME(const float *x, int64_t stride, int64_t rows, int64_t n, int64_t from, slot *to) {   \
    float values[COLUMNS];                                                                                        \
    int32_t places[COLUMNS];                                                                                      \
    best_of_columns(x, stride, rows, n, first_##NAME, values, places);                                            \
    for (int64_t j = 0; j < n; j++) to[j] = (slot){TYPE##_of(splat(values[j])), (double)from + places[j]};        \
  }                                                                                                               \
  static void join_##NAME(slot *to, const slot *more, double have, double count) {                                \
    (void)have, (void)count;                                                                                      \
    if (first_##NAME(lane_of_##TYPE(more->a), lane_of_##TYPE(to->a))[0]) *to = *more;                             \
  }                                                                                                               \
  static const fold NAME##_fold = {run_##NAME, columns_##NAME, join_##NAME, finish_place, .2};                    \
  EXPORT int reduce_##NAME(engine *e, float *y, const float *x, int64_t O, int64_t N, int64_t I, double factor) { \
    return reduce_by(e, &NAME##_fold, y, x, O, N, I, factor);                                                     \
  }

/* NaN is before all numbers. */
PLACE(argmax, float, (a > b) | ((a != a) & (b == b)))
PLACE(argmin, float, (a < b) | ((a != a) & (b == b)))
PLACE(int_argmax, int, (ivec)a > (ivec)b)
PLACE(int_argmin, int, (ivec)a < (ivec)b)
