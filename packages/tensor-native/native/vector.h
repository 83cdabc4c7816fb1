/* Vectors of the widest kind that the machine has, by the extensions that GCC and Clang share. */
#ifndef NORMLESS_VECTOR_H
#define NORMLESS_VECTOR_H

#include <stdbool.h>
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

/* Keeps a product from becoming part of a fused multiply-add: it is rounded by itself. */
#if LANES == 16
#define IN_REGISTER "+v"
#elif defined(__x86_64__)
#define IN_REGISTER "+x"
#elif defined(__aarch64__)
#define IN_REGISTER "+w"
#else
#define IN_REGISTER "+m"
#endif
INLINE vec rounded(vec v) {
  __asm__("" : IN_REGISTER(v));
  return v;
}

INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
INLINE int64_t pieces(int64_t n, int64_t of) { return (n + of - 1) / of; }

/* Half as many numbers, of twice the size. */
typedef double wide __attribute__((vector_size(LANES * 4)));
typedef int64_t wide_int __attribute__((vector_size(LANES * 4)));
typedef float half_vec __attribute__((vector_size(LANES * 2)));
typedef float loose_half __attribute__((vector_size(LANES * 2), aligned(4), may_alias));
#define WIDE_LANES (LANES / 2)

/* The lanes of two vectors in other places, by lists of numbers for each width. */
#define SHUFFLE __builtin_shufflevector
#if LANES == 16
#define LOW_HALF 0, 1, 2, 3, 4, 5, 6, 7
#define HIGH_HALF 8, 9, 10, 11, 12, 13, 14, 15
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#elif LANES == 8
#define LOW_HALF 0, 1, 2, 3
#define HIGH_HALF 4, 5, 6, 7
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14
#else
#define LOW_HALF 0, 1
#define HIGH_HALF 2, 3
#define EVEN 0, 2, 4, 6
#endif

INLINE wide splat_wide(double x) { return x - (wide){0}; }
INLINE wide load_wide(const float *p) { return __builtin_convertvector(*(const loose_half *)p, wide); }
INLINE wide widen_low(vec v) { return __builtin_convertvector(SHUFFLE(v, v, LOW_HALF), wide); }
INLINE wide widen_high(vec v) { return __builtin_convertvector(SHUFFLE(v, v, HIGH_HALF), wide); }
INLINE void store_narrow(float *p, wide v) { *(loose_half *)p = __builtin_convertvector(v, half_vec); }
INLINE vec narrow(wide low, wide high) {
  half_vec a = __builtin_convertvector(low, half_vec), b = __builtin_convertvector(high, half_vec);
  return SHUFFLE(a, b, LOW_HALF, HIGH_HALF);
}
INLINE wide pick_wide(wide_int mask, wide yes, wide no) {
  return (wide)((mask & (wide_int)yes) | (~mask & (wide_int)no));
}
INLINE double sum_wide(wide v) {
  double x[WIDE_LANES];
  memcpy(x, &v, sizeof v);
  for (int half = WIDE_LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) x[i] += x[i + half];
  return x[0];
}
/* The first n, of which LANES are all. */
INLINE vec load_up_to(const float *p, int64_t n) { return n == LANES ? load(p) : load_part(p, n); }
INLINE void store_up_to(float *p, vec v, int64_t n) {
  if (n == LANES) store(p, v);
  else store_part(p, v, n);
}
/* As load_part and store_part. */
INLINE ivec load_int_part(const int32_t *p, int64_t n) {
  ivec v = {0};
  memcpy(&v, p, (size_t)n * 4);
  return v;
}
INLINE void store_int_part(int32_t *p, ivec v, int64_t n) { memcpy(p, &v, (size_t)n * 4); }
/* Sums, differences and products of these wrap. */
typedef uint32_t uvec __attribute__((vector_size(LANES * 4)));
INLINE ivec pick_int(ivec mask, ivec yes, ivec no) { return (mask & yes) | (~mask & no); }
INLINE bool any_lane(ivec mask) {
  int64_t all[LANES / 2], any = 0;
  memcpy(all, &mask, sizeof mask);
  for (int i = 0; i < LANES / 2; i++) any |= all[i];
  return any != 0;
}

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
