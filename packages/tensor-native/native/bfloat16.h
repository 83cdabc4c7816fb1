/* bfloat16, the upper half of a float, as weights and moments are kept: read, written and rounded, in vectors. */
#ifndef NORMLESS_BFLOAT16_H
#define NORMLESS_BFLOAT16_H

#include "gemm.h"
#include "vector.h"

/* Floats or halves. */
typedef void kept;

typedef uint16_t halves __attribute__((vector_size(LANES * 2)));
/* The same at any address of one. */
typedef uint16_t loose_halves __attribute__((vector_size(LANES * 2), aligned(2), may_alias));

INLINE vec load_halves(const uint16_t *p) {
  return (vec)(__builtin_convertvector(*(const loose_halves *)p, uvec) << 16);
}
/* The upper halves of these bits. */
INLINE void store_halves(uint16_t *p, uvec bits) {
  *(loose_halves *)p = __builtin_convertvector(bits >> 16, halves);
}
INLINE vec load_halves_part(const uint16_t *p, int64_t n) {
  uint16_t x[LANES] = {0};
  memcpy(x, p, (size_t)n * 2);
  return load_halves(x);
}
INLINE void store_halves_part(uint16_t *p, uvec bits, int64_t n) {
  uint16_t x[LANES];
  store_halves(x, bits);
  memcpy(p, x, (size_t)n * 2);
}

/* Value i, of floats or of halves; LANES of them from there on. */
INLINE float value_at(const kept *p, int64_t i, bool half) {
  if (!half) return ((const float *)p)[i];
  uint32_t bits = (uint32_t)((const uint16_t *)p)[i] << 16;
  float x;
  memcpy(&x, &bits, 4);
  return x;
}
INLINE vec load_at(const kept *p, int64_t i, bool half) {
  return half ? load_halves((const uint16_t *)p + i) : load((const float *)p + i);
}

/* B (K, N) of halves as floats, in room for as many, stored the same way round. */
matrix widened(engine *e, matrix b, int64_t K, int64_t N, float *room);

#endif
