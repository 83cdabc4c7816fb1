/*
 * Tensors that are walked together in steps, row by row. The host has merged what it could of their dimensions
 * (src/kernels/walk.ts), so that a row is long where that is possible. A unit does some whole rows, or some columns of one.
 */
#ifndef NORMLESS_WALK_H
#define NORMLESS_WALK_H

#include "engine.h"
#include "vector.h"

/* Operands at most. */
#define OPERANDS 4
/* Values of a unit, about. */
#define WALKED 16384

typedef struct {
  /* Dimensions of the rows. */
  int64_t rank;
  int64_t rows, columns, unit_rows, unit_columns;
  /* Their sizes, the outermost first, and the steps along them of each operand. */
  const double *sizes;
  const double *steps[OPERANDS];
  /* From a column to the next. */
  int64_t move[OPERANDS];
} walk;

/*
 * As the host hands it over, in float64: how many dimensions there are, their sizes, and for each operand its steps along
 * them, in values, the columns last. `weight` is how many values a column stands for.
 */
INLINE walk walk_of(const void *given, int operands, int64_t weight) {
  const double *from = given;
  int64_t dims = (int64_t)from[0];
  walk w = {.rank = dims - 1, .rows = 1, .sizes = from + 1};
  for (int64_t d = 0; d < w.rank; d++) w.rows *= (int64_t)w.sizes[d];
  w.columns = (int64_t)w.sizes[w.rank];
  for (int i = 0; i < operands; i++) {
    w.steps[i] = from + 1 + (i + 1) * dims;
    w.move[i] = (int64_t)w.steps[i][w.rank];
  }
  /* Whole vectors, so that a unit begins at one. */
  int64_t values = WALKED / weight;
  w.unit_columns = most(1, least(w.columns, most(16, values / 16 * 16)));
  w.unit_rows = most(1, values / most(w.columns, 1));
  return w;
}

INLINE int64_t units_of(const walk *w) { return pieces(w->rows, w->unit_rows) * pieces(w->columns, w->unit_columns); }

/* Where a row of an operand begins, from its first value. */
INLINE int64_t place_of(const walk *w, int operand, int64_t row) {
  int64_t at = 0;
  for (int64_t d = w->rank - 1; d >= 0; d--) {
    int64_t size = (int64_t)w->sizes[d];
    at += row % size * (int64_t)w->steps[operand][d];
    row /= size;
  }
  return at;
}

/* Does `columns` columns of a row; at[i] is where operand i is there. */
typedef void row_work(const void *job, const int64_t *at, int64_t columns);

/* Along the last of their dimensions, rows follow by addition; only where that ends a place is computed anew. */
INLINE void walk_unit(const walk *w, int operands, int64_t unit, row_work *of, const void *job) {
  int64_t across = pieces(w->columns, w->unit_columns), column = unit % across * w->unit_columns;
  int64_t n = least(w->unit_columns, w->columns - column);
  int64_t row = unit / across * w->unit_rows, end = least(row + w->unit_rows, w->rows);
  int64_t size = w->rank ? (int64_t)w->sizes[w->rank - 1] : 1;
  while (row < end) {
    int64_t at[OPERANDS], next[OPERANDS];
    for (int i = 0; i < operands; i++) {
      at[i] = place_of(w, i, row) + column * w->move[i];
      next[i] = w->rank ? (int64_t)w->steps[i][w->rank - 1] : 0;
    }
    for (int64_t until = least(end, row + size - row % size); row < until; row++) {
      of(job, at, n);
      for (int i = 0; i < operands; i++) at[i] += next[i];
    }
  }
}

#endif
