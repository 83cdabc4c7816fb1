/*
 * Products of tiles that are small enough for the nearest caches. Their factors are read where they lie: packing them
 * would take longer than it saves.
 */
#ifndef NORMLESS_TILES_H
#define NORMLESS_TILES_H

#include "panel.h"

/* Rows of a micro-tile; it is one or two vectors wide: as many as registers hold. */
#if LANES == 16 || defined(__aarch64__)
#define HEIGHT 12
#else
#define HEIGHT 6
#endif
#define PAIR (2 * LANES)

/* Rows are taken HEIGHT at a time, and the last ones with as many more as make a panel. */
INLINE int64_t panel_of(int64_t rows) { return rows <= 4 ? 4 : rows <= 8 && HEIGHT > 8 ? 8 : HEIGHT; }
/* What is read of `rows` rows then, the last panel's others included. */
INLINE int64_t in_panels(int64_t rows) {
  int64_t rest = rows % HEIGHT;
  return rows - rest + (rest ? panel_of(rest) : 0);
}

/* C (rows, vectors) (+)= A . B over n: (i, k) of A is a[i * row + k * step]; rows of B, C are b_row, c_row apart. */
INLINE void micro_tile(int rows, int vectors, int64_t n, const float *restrict a, int64_t row, int64_t step,
                       const float *restrict b, int64_t b_row, float *restrict c, int64_t c_row, bool add) {
  vec acc[HEIGHT][2];
#pragma GCC unroll 12
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) acc[i][v] = (vec){0};
  for (int64_t k = 0; k < n; k++) {
    vec bk[2];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) bk[v] = load(b + v * LANES);
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++) {
      vec ai = splat(a[i * row]);
#pragma GCC unroll 2
      for (int v = 0; v < vectors; v++) acc[i][v] += ai * bk[v];
    }
    a += step;
    b += b_row;
  }
#pragma GCC unroll 12
  for (int i = 0; i < rows; i++) {
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) store(c + v * LANES, add ? load(c + v * LANES) + acc[i][v] : acc[i][v]);
    c += c_row;
  }
}

/* B (n, width): value (k, j) is at[k * row + j]; in panels a PAIR wide, `next` is how far apart their columns are. */
typedef struct {
  const float *at;
  int64_t row, width, next;
} factor;

INLINE void micro_tiles(int rows, int64_t n, const float *a, int64_t row, int64_t step, const factor *b, float *c,
                        int64_t c_row, bool add) {
  int64_t j = 0;
  for (; j + PAIR <= b->width; j += PAIR)
    micro_tile(rows, 2, n, a, row, step, b->at + j * b->next, b->row, c + j, c_row, add);
  if (j < b->width) micro_tile(rows, 1, n, a, row, step, b->at + j * b->next, b->row, c + j, c_row, add);
}

/* C (rows, width) (+)= A . B of one panel, where A's rows are `stride` apart. */
static inline void by_rows(int64_t rows, int64_t n, const float *a, int64_t stride, const factor *b, float *c,
                           int64_t c_row, bool add) {
  switch (panel_of(rows)) {
    case HEIGHT: return micro_tiles(HEIGHT, n, a, stride, 1, b, c, c_row, add);
#if HEIGHT > 8
    case 8: return micro_tiles(8, n, a, stride, 1, b, c, c_row, add);
#endif
    default: micro_tiles(4, n, a, stride, 1, b, c, c_row, add);
  }
}

/* The same where A's columns are. */
static inline void by_columns(int64_t rows, int64_t n, const float *a, int64_t stride, const factor *b, float *c,
                              int64_t c_row, bool add) {
  switch (panel_of(rows)) {
    case HEIGHT: return micro_tiles(HEIGHT, n, a, 1, stride, b, c, c_row, add);
#if HEIGHT > 8
    case 8: return micro_tiles(8, n, a, 1, stride, b, c, c_row, add);
#endif
    default: micro_tiles(4, n, a, 1, stride, b, c, c_row, add);
  }
}

/* factor * x (rows, D) by columns, in panels a PAIR wide; zeros up to the last one's end. */
static inline void pack_columns(const float *x, int64_t stride, int64_t rows, int64_t D, float factor, float *to) {
  for (int64_t i = 0; i < rows; i += PAIR) {
    float *panel = to + i * D;
    pack_lines(x + i * stride, stride, least(PAIR, rows - i), PAIR, D, panel);
    for (int64_t at = 0; at < PAIR * D && factor != 1; at += LANES) store(panel + at, load(panel + at) * factor);
  }
}

/* Rows of D floats, `stride` apart. */
typedef struct {
  const float *at;
  int64_t stride;
} rows_of;

/* Rows where they lie; or a copy, of `wide` floats each, where whole vectors or panels would end outside of x. */
static inline rows_of readable(const float *x, int64_t stride, int64_t rows, int64_t there, int64_t D, int64_t wide,
                               float *copy) {
  if (D == wide && in_panels(rows) <= there) return (rows_of){x, stride};
  float *to = copy;
  for (; rows > 0; rows--) {
    for (int64_t d = 0; d < D; d += LANES) store(to + d, load_up_to(x + d, least(LANES, D - d)));
    x += stride;
    to += wide;
  }
  return (rows_of){copy, wide};
}

#endif
