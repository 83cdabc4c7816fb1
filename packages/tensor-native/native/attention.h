/*
 * What attention and its gradient share. Scores lie key by key: a vector is as many queries, each with a maximum and a
 * sum of its own, and the tile is read in place by products that sum over keys and by those that sum over queries.
 */
#ifndef NORMLESS_ATTENTION_H
#define NORMLESS_ATTENTION_H

#include "engine.h"
#include "tiles.h"
#include "transcendental.h"

/* Queries of a block: a multiple of PAIR. Keys of a tile: of HEIGHT, and so many that 128 are one tile. */
#define QUERIES 64
#define KEYS 132

/* Which of a block's queries see which of a tile's keys: query i sees keys 0 to i + ahead. */
typedef struct {
  int64_t rows, columns, ahead;
} view;

/* How many keys the last of the queries before `end` sees. */
INLINE int64_t seen_before(view t, int64_t end) { return most(0, least(t.columns, t.ahead + least(end, t.rows))); }
/* The first query that sees key j. */
INLINE int64_t first_to_see(view t, int64_t j) { return most(0, j - t.ahead); }

/*
 * e^x of x <= 0, as 2^n * 2^f, in as few steps as there are: what it is wrong by beside two units in the last place is
 * less than what rounding x itself costs. 0 where it would be subnormal; 1 of 0.
 */
INLINE vec exp_negative(vec x) {
  const float log2e = 1.44269504088896341f;
  x = upper(splat(-88.02969f), x);
  vec shifted = x * log2e + ROUNDER;
  vec f = x * log2e - (shifted - ROUNDER);
  vec p = ((1.53533606e-4f * f + 1.33988744e-3f) * f + 9.61843736e-3f) * f + 5.55033247e-2f;
  p = (p * f + 2.40226479e-1f) * f + 6.93147203e-1f;
  return (p * f + 1.0f) * bits(((ivec)shifted << 23) + 0x3f800000);
}

INLINE float dot(const float *a, const float *b, int64_t n) {
  vec sum = {0};
  for (int64_t i = 0; i < n; i += LANES) {
    int64_t part = least(LANES, n - i);
    sum += load_up_to(a + i, part) * load_up_to(b + i, part);
  }
  return total(sum);
}

#endif
