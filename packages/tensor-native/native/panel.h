/* Panels: of how many rows, and how matrices are packed into them. */
#ifndef NORMLESS_PANEL_H
#define NORMLESS_PANEL_H

#include "micro.h"

/* How M rows go into panels: of MR up to `main`, then of `tail`, so that few rows of the last one are empty. */
typedef struct {
  int64_t rows, main, tail;
} panels;

static inline panels panels_of(int64_t M) {
  int64_t whole = M / MR * MR, rest = M - whole;
  if (rest == 0) return (panels){M, M, MR};
#if MR == 12
  if (rest <= 4 && whole) return (panels){M, whole - MR, 8};
  return (panels){M, whole, rest <= 4 ? 4 : rest <= 8 ? 8 : MR};
#elif MR == 6
  if (rest <= 2 && whole) return (panels){M, whole - MR, 4};
  return (panels){M, whole, rest <= 4 ? 4 : MR};
#else
  return (panels){M, whole, rest <= 4 ? 4 : MR};
#endif
}

INLINE int64_t height(panels p, int64_t row) { return row < p.main ? MR : p.tail; }
/* The first panel at or after a row. */
INLINE int64_t first_panel(panels p, int64_t row) {
  if (row <= p.main) return least(pieces(row, MR) * MR, p.main);
  return p.main + pieces(row - p.main, p.tail) * p.tail;
}

typedef float quad __attribute__((vector_size(16)));
typedef float loose_quad __attribute__((vector_size(16), aligned(4), may_alias));

/* Four rows of four values become columns: to[j * step + i] = from[i * stride + j]. */
INLINE void turn(const float *from, int64_t stride, float *to, int64_t step) {
  quad a = *(const loose_quad *)from, b = *(const loose_quad *)(from + stride);
  quad c = *(const loose_quad *)(from + 2 * stride), d = *(const loose_quad *)(from + 3 * stride);
  quad ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), ba = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  quad cd = __builtin_shufflevector(c, d, 0, 4, 1, 5), dc = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  *(loose_quad *)to = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
  *(loose_quad *)(to + step) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
  *(loose_quad *)(to + 2 * step) = __builtin_shufflevector(ba, dc, 0, 1, 4, 5);
  *(loose_quad *)(to + 3 * step) = __builtin_shufflevector(ba, dc, 2, 3, 6, 7);
}

/* How much of k is turned at once: what is read and written then stays in the nearest cache. */
#define TURN 16

/* to[k * width + i] = from[i * stride + k], for `lines` of `width` lines; the others are zeros. */
INLINE void pack_lines(const float *from, int64_t stride, int64_t lines, int64_t width, int64_t kc, float *to) {
  for (int64_t begin = 0; begin < kc; begin += TURN) {
    int64_t end = least(begin + TURN, kc), i = 0;
    for (; i + 4 <= lines; i += 4) {
      int64_t k = begin;
      for (; k + 4 <= end; k += 4) turn(from + i * stride + k, stride, to + k * width + i, width);
      for (; k < end; k++)
        for (int64_t j = i; j < i + 4; j++) to[k * width + j] = from[j * stride + k];
    }
    for (; i < width; i++)
      for (int64_t k = begin; k < end; k++) to[k * width + i] = i < lines ? from[i * stride + k] : 0;
  }
}

/* to[k * width + i] = from[k * stride + i] for i < count, else 0. */
INLINE void copy_row(const float *from, int64_t count, float *to, int64_t width) {
  if (count >= width) memcpy(to, from, (size_t)width * 4);
  else
    for (int64_t i = 0; i < width; i++) to[i] = i < count ? from[i] : 0;
}

#endif
