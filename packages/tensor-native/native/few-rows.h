/* Products of so few rows that B is not worth packing: it is read once, at the memory's rate. */
#ifndef NORMLESS_FEW_ROWS_H
#define NORMLESS_FEW_ROWS_H

#include "gemm.h"

#define FEW_ROWS 4

/* As gemm, for M <= FEW_ROWS and rows of A that are contiguous. */
int few_rows(engine *e, int64_t M, int64_t N, int64_t K, matrix a, matrix b, product c);

#endif
