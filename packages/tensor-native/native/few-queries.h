/* Attention of a few queries, as of a token in generation. */
#ifndef NORMLESS_FEW_QUERIES_H
#define NORMLESS_FEW_QUERIES_H

#include "engine.h"

/* Up to as many queries, each by itself. */
#define FEW_QUERIES 4

/* As `attention`. */
int few_queries(engine *e, float *y, float *lse, const float *q, const float *k, const float *v, int64_t B, int64_t Tq,
                int64_t Tk, int64_t C, int64_t H, int64_t capacity);

#endif
