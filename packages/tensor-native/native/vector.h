/* Vectors of the widest kind that the machine has, by the extensions that GCC and Clang share. */
#ifndef NORMLESS_VECTOR_H
#define NORMLESS_VECTOR_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX2__)
#define LANES 8
#else
#define LANES 4
#endif

typedef float vec __attribute__((vector_size(LANES * 4)));
typedef int32_t ivec __attribute__((vector_size(LANES * 4)));
/* The same at any address of a float. */
typedef float loose_vec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t loose_ivec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE vec load(const float *p) { return *(const loose_vec *)p; }
INLINE void store(float *p, vec v) { *(loose_vec *)p = v; }
INLINE ivec load_int(const int32_t *p) { return *(const loose_ivec *)p; }
INLINE void store_int(int32_t *p, ivec v) { *(loose_ivec *)p = v; }

/* The first n < LANES values; the others are 0, or stay as they are. */
INLINE vec load_part(const float *p, int64_t n) {
  vec v = {0};
  memcpy(&v, p, (size_t)n * 4);
  return v;
}
INLINE void store_part(float *p, vec v, int64_t n) { memcpy(p, &v, (size_t)n * 4); }

INLINE vec splat(float x) { return x - (vec){0}; }
INLINE ivec splat_int(int32_t x) { return x - (ivec){0}; }

/* Bits, not values: a mask is all ones or all zeros in each lane. */
INLINE vec pick(ivec mask, vec yes, vec no) { return (vec)((mask & (ivec)yes) | (~mask & (ivec)no)); }
INLINE vec larger(vec a, vec b) { return pick(a > b, a, b); }
INLINE vec smaller(vec a, vec b) { return pick(a < b, a, b); }
INLINE vec to_float(ivec v) { return __builtin_convertvector(v, vec); }
INLINE ivec to_int(vec v) { return __builtin_convertvector(v, ivec); }

/* Over the lanes, in halves: one order for all builds of a width. */
INLINE float sum_lanes(vec v) {
  float x[LANES];
  memcpy(x, &v, sizeof v);
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) x[i] += x[i + half];
  return x[0];
}
INLINE float largest_lane(vec v) {
  float x[LANES];
  memcpy(x, &v, sizeof v);
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) x[i] = x[i] > x[i + half] ? x[i] : x[i + half];
  return x[0];
}

INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
INLINE int64_t pieces(int64_t n, int64_t of) { return (n + of - 1) / of; }

INLINE ivec lanes(void) {
  ivec lane;
  for (int i = 0; i < LANES; i++) lane[i] = i;
  return lane;
}

/* As sum_lanes, bit for bit, in a few instructions where GCC compiles. */
INLINE float total(vec v) {
#ifdef __clang__
  return sum_lanes(v);
#else
  for (int half = LANES / 2; half > 0; half /= 2) v += __builtin_shuffle(v, lanes() ^ half);
  return v[0];
#endif
}

/* As larger: compilers make one instruction of a loop, and three of masks. */
INLINE vec upper(vec a, vec b) {
  float x[LANES], y[LANES];
  memcpy(x, &a, sizeof x);
  memcpy(y, &b, sizeof y);
  for (int i = 0; i < LANES; i++) x[i] = x[i] > y[i] ? x[i] : y[i];
  memcpy(&a, x, sizeof a);
  return a;
}

#endif
