/* Pairs of a key and a place in the order of their keys; of equal keys, in the order in which they were. */
#ifndef NORMLESS_RADIX_H
#define NORMLESS_RADIX_H

#include "vector.h"

/* Values of a digit of 8 bits, and digits of a key. */
#define VALUES 256
#define DIGITS 4
/* The key in the high half, the place in the low one. */
typedef uint64_t pair;

INLINE int digit_of(pair p, int digit) { return (int)(p >> (32 + 8 * digit) & (VALUES - 1)); }

static void insertion(pair *pairs, int64_t n) {
  for (int64_t i = 1; i < n; i++) {
    pair p = pairs[i];
    int64_t to = i;
    /* Places only grow, so comparing whole pairs keeps the order of equal keys. */
    for (; to > 0 && pairs[to - 1] > p; to--) pairs[to] = pairs[to - 1];
    pairs[to] = p;
  }
}

/* Pairs to the places that `places` say, which move on. */
static void move(const pair *pairs, int64_t n, int digit, uint32_t *places, pair *to) {
  for (int64_t i = 0; i < n; i++) to[places[digit_of(pairs[i], digit)]++] = pairs[i];
}

/*
 * Counts become the places where each value's pairs begin; true where all n have one value, so that there is nothing
 * to do.
 */
static bool counts_to_places(uint32_t *counts, int64_t n) {
  uint32_t total = 0;
  for (int v = 0; v < VALUES; v++) {
    uint32_t own = counts[v];
    if (own == n) return true;
    counts[v] = total;
    total += own;
  }
  return false;
}

/* By all digits; `other` is room for as many. The one of the two that they are in then. */
static pair *radix(pair *pairs, pair *other, int64_t n) {
  /* Twice, since one count need not wait for another of the same digit then. */
  uint32_t counts[DIGITS][VALUES] = {0}, more[DIGITS][VALUES] = {0};
  int64_t i = 0;
  for (; i + 2 <= n; i += 2)
    for (int digit = 0; digit < DIGITS; digit++) {
      counts[digit][digit_of(pairs[i], digit)]++;
      more[digit][digit_of(pairs[i + 1], digit)]++;
    }
  for (int digit = 0; digit < DIGITS; digit++) {
    if (i < n) counts[digit][digit_of(pairs[i], digit)]++;
    for (int v = 0; v < VALUES; v++) counts[digit][v] += more[digit][v];
  }
  for (int digit = 0; digit < DIGITS; digit++) {
    if (counts_to_places(counts[digit], n)) continue;
    move(pairs, n, digit, counts[digit], other);
    pair *before = pairs;
    pairs = other;
    other = before;
  }
  return pairs;
}

#endif
