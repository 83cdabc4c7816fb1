/* The matrix product that all others are made of. */
#ifndef NORMLESS_GEMM_H
#define NORMLESS_GEMM_H

#include "engine.h"
#include "vector.h"

/* Value (i,j) is at[i * row + j * column]; one of the two is 1. B may be of halves (bfloat16.h), whatever `at` says. */
typedef struct {
  const float *at;
  int64_t row, column;
  bool half;
} matrix;

INLINE matrix plain(const float *at, int64_t stride) { return (matrix){.at = at, .row = stride, .column = 1}; }
INLINE matrix transposed(const float *at, int64_t stride) { return (matrix){.at = at, .row = 1, .column = stride}; }

/* Where a product goes: C (M,N), rows `stride` floats apart. */
typedef struct {
  float *at;
  int64_t stride;
  /* Add to what is there. */
  bool add;
  /* (N), or NULL. */
  const float *bias;
  /* What is done with some rows and columns of C when they are final and still near; or NULL. Columns begin at multiples of
     TILE_COLUMNS. */
  void (*finish)(const void *with, float *c, int64_t stride, int64_t row, int64_t column, int64_t rows, int64_t columns);
  const void *with;
} product;

/* The most columns that `finish` is given at once, and those of all but the last. */
#define TILE_COLUMNS 512

/* C (+)= A (M,K) · B (K,N) + bias. The order of each sum depends on the sizes alone. */
int gemm(engine *e, int64_t M, int64_t N, int64_t K, matrix a, matrix b, product c);

/* The same on one thread, in `room` for as many floats as room_alone says, at a multiple of 64 bytes. */
void gemm_alone(float *room, int64_t M, int64_t N, int64_t K, matrix a, matrix b, product c);
size_t room_alone(int64_t M, int64_t N, int64_t K);

/* out (columns) (+)= the sums of x's columns, which is in rows of `stride` floats (linear.c). */
void column_sums(engine *e, float *out, const float *x, int64_t rows, int64_t columns, int64_t stride, bool add);

#endif
