/*
 * Sorting of (O,N,I) along N: by radix, on pairs of a key (whose order as an unsigned number is that of the values) and a
 * place, from the lowest digit to the highest, each time keeping the order of equals. Rows are sorted by the threads, one
 * each; one long row by all of them: every chunk counts its digits, the counts become places, every chunk moves its pairs.
 * A stable order is unique, so that no bit of the result depends on how the work is cut.
 */
#include "engine.h"
#include "vector.h"

/* Values of a digit of 8 bits, and digits of a key. */
#define VALUES 256
#define DIGITS 4
/* Rows up to this long are sorted by insertion; longer ones than that by all threads together, in so many chunks. */
#define SHORT 40
#define LONG 65536
#define CHUNKS 16

/* The key in the high half, the place in the low one. */
typedef uint64_t pair;

typedef struct {
  const int32_t *x;
  int32_t *values, *indices;
  int64_t N, I;
  bool whole, descending;
  /* Of a short row's thread, two times N; of a long row all, and where they go. */
  pair *pairs, *other;
  /* Of a long row: where it is, the digit that it is sorted by, the length of a chunk, and the counts of all chunks. */
  int64_t at, length;
  int digit;
  uint32_t *counts;
} sorting;

INLINE int digit_of(pair p, int digit) { return (int)(p >> (32 + 8 * digit) & (VALUES - 1)); }

/* Its order as a uint32 is the value's. Of zeros there is one, and one NaN, the largest. */
INLINE uint32_t key_of(uint32_t bits, bool whole, bool descending) {
  uint32_t key = bits ^ 0x80000000u;
  if (!whole) {
    key = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    key = bits == 0x80000000u ? 0x80000000u : key;
    key = (bits & 0x7fffffffu) > 0x7f800000u ? 0xffffffffu : key;
  }
  return descending ? ~key : key;
}

/* Pairs of n values, of which the first is the one at place `from`. */
static void make_pairs(const sorting *t, int64_t at, int64_t from, int64_t n, pair *to) {
  const int32_t *x = t->x + at + from * t->I;
  bool whole = t->whole, descending = t->descending;
  for (int64_t i = 0; i < n; i++)
    to[i] = (pair)key_of((uint32_t)x[i * t->I], whole, descending) << 32 | (uint32_t)(from + i);
}

/* Values and places of n sorted pairs, of which the first is the one at place `from`. */
static void take_pairs(const sorting *t, int64_t at, int64_t from, int64_t n, const pair *pairs) {
  const int32_t *x = t->x + at;
  int32_t *values = t->values + at + from * t->I, *indices = t->indices + at + from * t->I;
  for (int64_t i = 0; i < n; i++) {
    uint32_t place = (uint32_t)pairs[i], key = (uint32_t)(pairs[i] >> 32), bits;
    if (t->descending) key = ~key;
    if (t->whole) bits = key ^ 0x80000000u;
    /* A zero has lost its sign, a NaN all its bits. */
    else if (key == 0x80000000u || key == 0xffffffffu) bits = (uint32_t)x[place * t->I];
    else bits = key & 0x80000000u ? key ^ 0x80000000u : ~key;
    values[i * t->I] = (int32_t)bits;
    indices[i * t->I] = (int32_t)place;
  }
}

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

/* Counts become the places where each value's pairs begin; true where all n have one value, so that there is nothing to do. */
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
  uint32_t counts[DIGITS][VALUES] = {0};
  for (int64_t i = 0; i < n; i++)
    for (int digit = 0; digit < DIGITS; digit++) counts[digit][digit_of(pairs[i], digit)]++;
  for (int digit = 0; digit < DIGITS; digit++) {
    if (counts_to_places(counts[digit], n)) continue;
    move(pairs, n, digit, counts[digit], other);
    pair *before = pairs;
    pairs = other;
    other = before;
  }
  return pairs;
}

static void sort_row(const void *job, int64_t unit, int thread) {
  const sorting *t = job;
  int64_t at = unit / t->I * t->N * t->I + unit % t->I;
  pair *pairs = t->pairs + (int64_t)thread * 2 * t->N;
  make_pairs(t, at, 0, t->N, pairs);
  if (t->N <= SHORT) insertion(pairs, t->N);
  else pairs = radix(pairs, pairs + t->N, t->N);
  take_pairs(t, at, 0, t->N, pairs);
}

/* Units of a long row: chunks. */
static void make_chunk(const void *job, int64_t unit, int thread) {
  (void)thread;
  const sorting *t = job;
  int64_t from = unit * t->length;
  make_pairs(t, t->at, from, least(t->length, t->N - from), t->pairs + from);
}

static void count_chunk(const void *job, int64_t unit, int thread) {
  (void)thread;
  const sorting *t = job;
  uint32_t *counts = t->counts + unit * VALUES;
  memset(counts, 0, VALUES * sizeof *counts);
  for (int64_t i = unit * t->length, end = least(i + t->length, t->N); i < end; i++)
    counts[digit_of(t->pairs[i], t->digit)]++;
}

static void move_chunk(const void *job, int64_t unit, int thread) {
  (void)thread;
  const sorting *t = job;
  int64_t from = unit * t->length;
  move(t->pairs + from, least(t->length, t->N - from), t->digit, t->counts + unit * VALUES, t->other);
}

static void take_chunk(const void *job, int64_t unit, int thread) {
  (void)thread;
  const sorting *t = job;
  int64_t from = unit * t->length;
  take_pairs(t, t->at, from, least(t->length, t->N - from), t->pairs + from);
}

/* The places where each chunk's pairs of each value begin. */
static void places_of_chunks(uint32_t *counts, int64_t chunks) {
  uint32_t total = 0;
  for (int v = 0; v < VALUES; v++)
    for (int64_t chunk = 0; chunk < chunks; chunk++) {
      uint32_t *count = counts + chunk * VALUES + v, own = *count;
      *count = total;
      total += own;
    }
}

static void sort_long_row(engine *e, sorting *t) {
  int64_t chunks = pieces(t->N, t->length);
  share(e, chunks, (double)t->N, make_chunk, t);
  for (t->digit = 0; t->digit < DIGITS; t->digit++) {
    share(e, chunks, (double)t->N, count_chunk, t);
    places_of_chunks(t->counts, chunks);
    share(e, chunks, (double)t->N * 2, move_chunk, t);
    pair *before = t->pairs;
    t->pairs = t->other;
    t->other = before;
  }
  share(e, chunks, (double)t->N, take_chunk, t);
}

/* values and indices (O,N,I) of x (O,N,I) along N, int32 where they are `whole`, from the largest on where `descending`. */
EXPORT int sort(engine *e, int32_t *values, int32_t *indices, const int32_t *x, int64_t O, int64_t N, int64_t I,
                int whole, int descending) {
  if (O * N * I == 0) return DONE;
  sorting t = {x, values, indices, N, I, whole, descending, NULL, NULL, 0, pieces(N, CHUNKS), 0, NULL};
  if (N <= LONG) {
    SCRATCH(pair, pairs, e, threads_of(e) * 2 * N);
    t.pairs = pairs;
    share(e, O * I, (double)O * N * I * 10, sort_row, &t);
    return done(e, DONE);
  }
  SCRATCH(pair, pairs, e, 2 * N);
  SCRATCH(uint32_t, counts, e, CHUNKS * VALUES);
  t.counts = counts;
  for (int64_t row = 0; row < O * I; row++) {
    t.pairs = pairs;
    t.other = pairs + N;
    t.at = row / I * N * I + row % I;
    sort_long_row(e, &t);
  }
  return done(e, DONE);
}
