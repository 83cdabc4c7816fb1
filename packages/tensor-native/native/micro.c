#include "micro.h"

#include "engine.h"

/* A row's value of a step: neighbours lie side by side, or four rows are reached from one address. */
INLINE float value_at(const float *a, const float *const *quarter, int64_t stride, int row, bool apart) {
  return apart ? quarter[row / 4][row % 4 * stride] : a[row];
}

/* `rows` and `apart` are constants where this is inlined, so that all loops over rows and vectors are unrolled. */
INLINE void multiply(int rows, bool apart, int64_t kc, const float *restrict a, int64_t stride_a,
                     const float *restrict b, float *restrict c, int64_t stride, bool add, const float *bias) {
  vec acc[MR][NV];
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int v = 0; v < NV; v++) {
      acc[i][v] = (vec){0};
      __builtin_prefetch(c + i * stride + v * LANES, 1);
    }
  const float *quarter[3] = {a, a + 4 * stride_a, a + 8 * stride_a};
  for (int64_t k = 0; k < kc; k++) {
    vec bk[NV];
#pragma GCC unroll 4
    for (int v = 0; v < NV; v++) bk[v] = *(const vec *)(b + v * LANES);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      vec ai = splat(value_at(a, quarter, stride_a, i, apart));
#pragma GCC unroll 4
      for (int v = 0; v < NV; v++) acc[i][v] += ai * bk[v];
    }
    if (apart) quarter[0]++, quarter[1]++, quarter[2]++;
    else a += stride_a;
    b += NR;
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int v = 0; v < NV; v++) {
      float *to = c + i * stride + v * LANES;
      vec sum = acc[i][v];
      if (bias) sum += load(bias + v * LANES);
      if (add) sum += load(to);
      store(to, sum);
    }
}

#define MICRO(ROWS)                                                                                                \
  static void beside_##ROWS(int64_t kc, const float *a, int64_t stride_a, const float *b, float *c, int64_t stride, \
                            bool add, const float *bias) {                                                         \
    multiply(ROWS, false, kc, a, stride_a, b, c, stride, add, bias);                                               \
  }                                                                                                                \
  static void apart_##ROWS(int64_t kc, const float *a, int64_t stride_a, const float *b, float *c, int64_t stride, \
                            bool add, const float *bias) {                                                         \
    multiply(ROWS, true, kc, a, stride_a, b, c, stride, add, bias);                                                \
  }

MICRO(4)
#if MR == 6
MICRO(6)
#endif
#if MR == 12
MICRO(8)
MICRO(12)
#endif

micro *micro_of(int64_t rows, bool apart) {
  switch (rows) {
#if MR == 12
    case 12: return apart ? apart_12 : beside_12;
    case 8: return apart ? apart_8 : beside_8;
#endif
#if MR == 6
    case 6: return apart ? apart_6 : beside_6;
#endif
    default: return apart ? apart_4 : beside_4;
  }
}

#define STEPS 256

/* A panel of each that stays in the nearest cache, many times over. */
static void turns_of_one(const void *job, int64_t unit, int thread) {
  (void)unit, (void)thread;
  _Alignas(64) float a[MR * STEPS], b[NR * STEPS], c[MR * NR];
  for (int i = 0; i < MR * STEPS; i++) a[i] = 1e-3f;
  for (int i = 0; i < NR * STEPS; i++) b[i] = 1e-3f;
  for (int i = 0; i < MR * NR; i++) c[i] = 0;
  micro *kernel = micro_of(MR, false);
  for (int64_t turn = 0; turn < *(const int64_t *)job; turn++) {
    kernel(STEPS, a, MR, b, c, NR, true, NULL);
    /* Nobody looks at the sums, and so a compiler would leave them out. */
    __asm__ volatile("" : : "r"(c) : "memory");
  }
}

/* The micro-kernel alone, so many times in each thread: what products could do if memory cost nothing. flops: how many in all. */
EXPORT int micro_turns(engine *e, void *flops, int64_t turns) {
  share(e, threads_of(e), 1e9, turns_of_one, &turns);
  *(double *)flops = 2.0 * MR * NR * STEPS * (double)turns * threads_of(e);
  return DONE;
}
