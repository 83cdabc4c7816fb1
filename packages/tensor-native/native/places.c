/*
 * Values by their places along N of (O,N,I), and the gradients. Places are checked (first_outside) before any of these runs.
 * What is added keeps the order of the places: a unit owns the columns that it adds to.
 */
#include "elementwise.h"
#include "vector.h"

/* Values of a unit that reads, and columns of one that adds. */
#define CHUNK 16384
#define BLOCK 256

typedef struct {
  int32_t *y;
  const int32_t *x, *index;
  int64_t O, N, I, M, unit_rows;
  bool whole;
} places;

/* Runs of values that are shorter go in a loop. */
INLINE void copy(int32_t *to, const int32_t *from, int64_t n) {
  if (n >= 64) memcpy(to, from, (size_t)n * 4);
  else
    for (int64_t i = 0; i < n; i++) to[i] = from[i];
}

/* Some of the slices (o, m). */
static void select_slices(const void *job, int64_t unit, int thread) {
  (void)thread;
  const places *t = job;
  int64_t begin = unit * t->unit_rows, end = least(begin + t->unit_rows, t->O * t->M), o = begin / t->M, m = begin % t->M;
  for (int64_t at = begin; at < end; at++) {
    const int32_t *from = t->x + (o * t->N + t->index[m]) * t->I;
    if (t->I == 1) t->y[at] = *from;
    else copy(t->y + at * t->I, from, t->I);
    if (++m == t->M) m = 0, o++;
  }
}

static places places_of(int32_t *y, const int32_t *x, const int32_t *index, int64_t O, int64_t N, int64_t I, int64_t M) {
  return (places){y, x, index, O, N, I, M, most(1, CHUNK / most(I, 1)), false};
}

/* y (O,M,I) of x (O,N,I) and index (M): whole slices, of any kind. */
EXPORT int index_select(engine *e, int32_t *y, const int32_t *x, const int32_t *index, int64_t O, int64_t N, int64_t I,
                        int64_t M) {
  places t = places_of(y, x, index, O, N, I, M);
  if (O * M * I > 0) share(e, pieces(O * M, t.unit_rows), (double)O * M * I * .4, select_slices, &t);
  return DONE;
}

/* Some of the rows (o, m). */
static void gather_rows(const void *job, int64_t unit, int thread) {
  (void)thread;
  const places *t = job;
  int64_t row = unit * t->unit_rows, end = least(row + t->unit_rows, t->O * t->M), I = t->I;
  while (row < end) {
    int64_t o = row / t->M, until = least(end, (o + 1) * t->M);
    const int32_t *x = t->x + o * t->N * I, *index = t->index + row * I;
    int32_t *y = t->y + row * I;
    if (I == 1)
      for (int64_t m = 0; m < until - row; m++) y[m] = x[index[m]];
    else
      for (int64_t m = row; m < until; m++, index += I, y += I)
        for (int64_t i = 0; i < I; i++) y[i] = x[index[i] * I + i];
    row = until;
  }
}

/* y (O,M,I) of x (O,N,I) and index (O,M,I): y[o,m,i] = x[o, index[o,m,i], i], of any kind. */
EXPORT int gather(engine *e, int32_t *y, const int32_t *x, const int32_t *index, int64_t O, int64_t N, int64_t I,
                  int64_t M) {
  places t = places_of(y, x, index, O, N, I, M);
  if (O * M * I > 0) share(e, pieces(O * M, t.unit_rows), (double)O * M * I * .8, gather_rows, &t);
  return DONE;
}

INLINE void add_values(int32_t *to, const int32_t *from, int64_t n, bool whole) {
  float *y = (float *)to;
  const float *x = (const float *)from;
  if (whole)
    for (int64_t i = 0; i < n; i++) to[i] = (int32_t)((uint32_t)to[i] + (uint32_t)from[i]);
  else
    for (int64_t i = 0; i < n; i++) y[i] += x[i];
}

/* Some columns of an o. */
static void add_slices(const void *job, int64_t unit, int thread) {
  (void)thread;
  const places *t = job;
  int64_t blocks = pieces(t->I, BLOCK), o = unit / blocks, i = unit % blocks * BLOCK, n = least(BLOCK, t->I - i);
  const int32_t *x = t->x + o * t->M * t->I + i;
  int32_t *y = t->y + o * t->N * t->I + i;
  for (int64_t m = 0; m < t->M; m++) add_values(y + t->index[m] * t->I, x + m * t->I, n, t->whole);
}

/* y (O,N,I), or zeros, to which each slice of x (O,M,I) is added at its place of index (M), in their order. */
EXPORT int index_add(engine *e, int32_t *y, const int32_t *x, const int32_t *index, int64_t O, int64_t N, int64_t I,
                     int64_t M, int whole, int add) {
  places t = places_of(y, x, index, O, N, I, M);
  t.whole = whole;
  if (!add) fill(e, y, 0, O * N * I);
  share(e, O * pieces(I, BLOCK), (double)O * M * I * .4, add_slices, &t);
  return DONE;
}

/* Some columns of an o. */
static void scatter_columns(const void *job, int64_t unit, int thread) {
  (void)thread;
  const places *t = job;
  int64_t I = t->I, blocks = pieces(I, BLOCK), o = unit / blocks, i = unit % blocks * BLOCK, n = least(BLOCK, I - i);
  for (int64_t m = 0; m < t->M; m++) {
    const int32_t *x = t->x + (o * t->M + m) * I + i, *index = t->index + (o * t->M + m) * I + i;
    int32_t *y = t->y + o * t->N * I + i;
    for (int64_t j = 0; j < n; j++) add_values(y + index[j] * I + j, x + j, 1, t->whole);
  }
}

/* y (O,N,I), or zeros, to which x[o,m,i] is added at y[o, index[o,m,i], i], in their order along M. */
EXPORT int scatter_add(engine *e, int32_t *y, const int32_t *x, const int32_t *index, int64_t O, int64_t N, int64_t I,
                       int64_t M, int whole, int add) {
  places t = places_of(y, x, index, O, N, I, M);
  t.whole = whole;
  if (!add) fill(e, y, 0, O * N * I);
  share(e, O * pieces(I, BLOCK), (double)O * M * I * 1.2, scatter_columns, &t);
  return DONE;
}
