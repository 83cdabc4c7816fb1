/* The micro-kernel: a few rows of A times a few columns of B, with sums that stay in registers. */
#ifndef NORMLESS_MICRO_H
#define NORMLESS_MICRO_H

#include <stdbool.h>

#include "vector.h"

/* Rows and vectors of a micro-tile: as many as registers hold. */
#if LANES == 16
#define MR 12
#define NV 2
#elif LANES == 8
#define MR 6
#define NV 2
#elif defined(__aarch64__)
#define MR 6
#define NV 4
#else
#define MR 4
#define NV 2
#endif
#define NR (NV * LANES)


/*
 * C (rows, NR) (+)= A (rows, kc) . B (kc, NR) + bias: B in a panel, NR values after NR values. Of A, a step's values lie side by
 * side, as in a panel, and steps `stride_a` floats apart; or rows do, and steps lie side by side. bias (NR) or NULL.
 */
typedef void micro(int64_t kc, const float *a, int64_t stride_a, const float *b, float *c, int64_t stride, bool add,
                   const float *bias);

/* Of so many rows, of those that panels have (panel.h); `apart` is for rows that are. */
micro *micro_of(int64_t rows, bool apart);

#endif
