/* The language-model head where whole rows of logits are made: how many at once, and the way back. */
#ifndef NORMLESS_HEAD_H
#define NORMLESS_HEAD_H

#include "gemm.h"

/* Rows of x (rows, C) and the head: w (V, C), bias (V) or NULL. */
typedef struct {
  const float *x, *w, *bias;
  int64_t C, V;
} head;

/* Where the gradients go, and whether they are added to what is there. */
typedef struct {
  float *dx, *dw, *dbias;
  bool add_dx, add_dw, add_dbias;
} head_gradients;

/* Floats from one row of V logits to the next. */
int64_t logits_stride(int64_t V);

/* How many of N rows of logits there are room for at once, at least one. */
int64_t rows_at_once(int64_t N, int64_t V);

/* What dlogits, of rows that begin at `row`, in rows of `stride` floats, give to the gradients. */
int back_through_head(engine *e, head h, int64_t row, int64_t rows, const float *dlogits, int64_t stride,
                      head_gradients to);

#endif
