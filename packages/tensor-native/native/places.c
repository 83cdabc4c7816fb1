/*
 * Values by their places along N of (O,N,I), and the gradients. Places are checked (first_outside) before any of these
 * runs. What is added keeps the order of the places: a unit owns the columns that it adds to.
 */
#include "elementwise.h"
#include "vector.h"

/* Values of a unit that reads, and columns of one that adds whole slices. */
#define CHUNK 16384
#define BLOCK 256
/* Values of N rows of some columns, so few that they stay in the second cache. */
#define NEAR 131072

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
  int64_t row = unit * t->unit_rows, end = least(row + t->unit_rows, t->O * t->M), I = t->I;
  while (row < end) {
    int64_t o = row / t->M, n = least(end, (o + 1) * t->M) - row;
    const int32_t *x = t->x + o * t->N * I, *index = t->index + row % t->M;
    int32_t *y = t->y + row * I;
    if (I == 1)
      for (int64_t m = 0; m < n; m++) y[m] = x[index[m]];
    else
      for (int64_t m = 0; m < n; m++) copy(y + m * I, x + index[m] * I, I);
    row += n;
  }
}

static places places_of(int32_t *y, const int32_t *x, const int32_t *index, int64_t O, int64_t N, int64_t I,
                        int64_t M) {
  return (places){y, x, index, O, N, I, M, most(1, CHUNK / most(I, 1)), false};
}

/* y (O,M,I) of x (O,N,I) and index (M): whole slices, of any kind. */
EXPORT int index_select(engine *e, int32_t *y, const int32_t *x, const int32_t *index, int64_t O, int64_t N, int64_t I,
                        int64_t M) {
  places t = places_of(y, x, index, O, N, I, M);
  if (O * M * I > 0) share(e, pieces(O * M, t.unit_rows), (double)O * M * I * .4, select_slices, &t);
  return DONE;
}

/* Columns of a unit where each has places of its own. */
static int64_t block_of(const places *t) { return least(t->I, most(16, NEAR / most(t->N, 1) / 16 * 16)); }

/* Some of the rows m of some columns of an o. */
static void gather_rows(const void *job, int64_t unit, int thread) {
  (void)thread;
  const places *t = job;
  int64_t I = t->I, block = block_of(t), blocks = pieces(I, block), chunks = pieces(t->M, t->unit_rows);
  int64_t o = unit / chunks / blocks, i = unit / chunks % blocks * block, n = least(block, I - i);
  int64_t m = unit % chunks * t->unit_rows, end = least(m + t->unit_rows, t->M);
  const int32_t *x = t->x + o * t->N * I + i, *index = t->index + (o * t->M + m) * I + i;
  int32_t *y = t->y + (o * t->M + m) * I + i;
  if (I == 1)
    for (int64_t k = 0; k < end - m; k++) y[k] = x[index[k]];
  else
    for (; m < end; m++, index += I, y += I)
      for (int64_t j = 0; j < n; j++) y[j] = x[index[j] * I + j];
}

/* y (O,M,I) of x (O,N,I) and index (O,M,I): y[o,m,i] = x[o, index[o,m,i], i], of any kind. */
EXPORT int gather(engine *e, int32_t *y, const int32_t *x, const int32_t *index, int64_t O, int64_t N, int64_t I,
                  int64_t M) {
  places t = places_of(y, x, index, O, N, I, M);
  if (O * M * I == 0) return DONE;
  t.unit_rows = most(1, CHUNK / block_of(&t));
  share(e, O * pieces(I, block_of(&t)) * pieces(M, t.unit_rows), (double)O * M * I * .8, gather_rows, &t);
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

/* Values that go to places of their own, by columns. */
INLINE void scatter(const places *t, int64_t unit, bool whole) {
  int64_t I = t->I, block = block_of(t), blocks = pieces(I, block), o = unit / blocks, i = unit % blocks * block;
  int64_t n = least(block, I - i), at = o * t->M * I + i;
  const int32_t *x = t->x + at, *index = t->index + at;
  int32_t *y = t->y + o * t->N * I + i;
  for (int64_t m = 0; m < t->M; m++, x += I, index += I)
    for (int64_t j = 0; j < n; j++) add_values(y + index[j] * I + j, x + j, 1, whole);
}

static void scatter_columns(const void *job, int64_t unit, int thread) {
  (void)thread;
  const places *t = job;
  if (t->whole) scatter(t, unit, true);
  else scatter(t, unit, false);
}

/* y (O,N,I), or zeros, to which x[o,m,i] is added at y[o, index[o,m,i], i], in their order along M. */
EXPORT int scatter_add(engine *e, int32_t *y, const int32_t *x, const int32_t *index, int64_t O, int64_t N, int64_t I,
                       int64_t M, int whole, int add) {
  places t = places_of(y, x, index, O, N, I, M);
  t.whole = whole;
  if (!add) fill(e, y, 0, O * N * I);
  if (O * M * I > 0) share(e, O * pieces(I, block_of(&t)), (double)O * M * I * 1.2, scatter_columns, &t);
  return DONE;
}
