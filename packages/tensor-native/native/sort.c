/*
 * Sorting of (O,N,I) along N: by radix, on pairs of a key (whose order as an unsigned number is that of the values)
 * and a place, from the lowest digit to the highest, each time keeping the order of equals. Rows are sorted by the
 * threads, one each; one long row by all of them: every chunk counts its digits, the counts become places, every chunk
 * moves its pairs. A stable order is unique, so that no bit of the result depends on how the work is cut.
 */
#include "engine.h"
#include "radix.h"

/* Rows up to this long are sorted by insertion; longer ones than that by all threads together, in so many chunks. */
#define SHORT 40
#define LONG 65536
#define CHUNKS 16
/* Columns of a unit: a cache line of them. */
#define BLOCK 16

typedef struct {
  const int32_t *x;
  int32_t *values, *indices;
  int64_t N, I;
  bool whole, descending;
  /* Of a short row's thread, two times N; of a long row all, and where they go. */
  pair *pairs, *other;
  /* Columns as rows, for each thread. */
  int32_t *rows;
  /* Of a long row: where it is, the digit that it is sorted by, the length of a chunk, and the counts of all chunks. */
  int64_t at, length;
  int digit;
  uint32_t *counts;
} sorting;

/* From one column in scratch memory to the next: not a power of two, at which a cache would hold but few. */
INLINE int64_t staged(int64_t N) { return pieces(N, 16) * 16 + 16; }

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

/* What is sorted, and where its values and places go; `step` values from one to the next. */
typedef struct {
  const int32_t *x;
  int32_t *values, *indices;
  int64_t step;
} line;

/* Pairs of n values from place `from` on. */
static void make_pairs(const sorting *t, line l, int64_t from, int64_t n, pair *to) {
  const int32_t *x = l.x + from * l.step;
  bool whole = t->whole, descending = t->descending;
  for (int64_t i = 0; i < n; i++)
    to[i] = (pair)key_of((uint32_t)x[i * l.step], whole, descending) << 32 | (uint32_t)(from + i);
}

/* Values and places of n sorted pairs from place `from` on. */
static void take_pairs(const sorting *t, line l, int64_t from, int64_t n, const pair *pairs) {
  int32_t *values = l.values + from * l.step, *indices = l.indices + from * l.step;
  for (int64_t i = 0; i < n; i++) {
    uint32_t place = (uint32_t)pairs[i], key = (uint32_t)(pairs[i] >> 32), bits;
    if (t->descending) key = ~key;
    if (t->whole) bits = key ^ 0x80000000u;
    /* A zero has lost its sign, a NaN all its bits. */
    else if (key == 0x80000000u || key == 0xffffffffu) bits = (uint32_t)l.x[place * l.step];
    else bits = key & 0x80000000u ? key ^ 0x80000000u : ~key;
    values[i * l.step] = (int32_t)bits;
    indices[i * l.step] = (int32_t)place;
  }
}

static void sort_line(const sorting *t, line l, pair *pairs) {
  make_pairs(t, l, 0, t->N, pairs);
  if (t->N <= SHORT) insertion(pairs, t->N);
  else pairs = radix(pairs, pairs + t->N, t->N);
  take_pairs(t, l, 0, t->N, pairs);
}

static void sort_row(const void *job, int64_t unit, int thread) {
  const sorting *t = job;
  int64_t at = unit * t->N;
  sort_line(t, (line){t->x + at, t->values + at, t->indices + at, 1}, t->pairs + (int64_t)thread * 2 * t->N);
}

/* Some columns become rows in scratch memory, so that whole cache lines are read and written. */
static void sort_columns(const void *job, int64_t unit, int thread) {
  const sorting *t = job;
  int64_t blocks = pieces(t->I, BLOCK), i = unit % blocks * BLOCK, n = least(BLOCK, t->I - i);
  int64_t first = unit / blocks * t->N * t->I + i, length = staged(t->N);
  int32_t *x = t->rows + thread * 3 * BLOCK * length, *values = x + BLOCK * length, *indices = values + BLOCK * length;
  for (int64_t row = 0; row < t->N; row++)
    for (int64_t c = 0; c < n; c++) x[c * length + row] = t->x[first + row * t->I + c];
  for (int64_t c = 0, at = 0; c < n; c++, at += length)
    sort_line(t, (line){x + at, values + at, indices + at, 1}, t->pairs + (int64_t)thread * 2 * t->N);
  for (int64_t row = 0; row < t->N; row++)
    for (int64_t c = 0; c < n; c++) {
      t->values[first + row * t->I + c] = values[c * length + row];
      t->indices[first + row * t->I + c] = indices[c * length + row];
    }
}

/* Units of a long row: chunks. */
INLINE line long_row(const sorting *t) { return (line){t->x + t->at, t->values + t->at, t->indices + t->at, t->I}; }

static void make_chunk(const void *job, int64_t unit, int thread) {
  (void)thread;
  const sorting *t = job;
  int64_t from = unit * t->length;
  make_pairs(t, long_row(t), from, least(t->length, t->N - from), t->pairs + from);
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
  take_pairs(t, long_row(t), from, least(t->length, t->N - from), t->pairs + from);
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

/*
 * values and indices (O,N,I) of x (O,N,I) along N, int32 where they are `whole`, from the largest on where
 * `descending`.
 */
EXPORT int sort(engine *e, int32_t *values, int32_t *indices, const int32_t *x, int64_t O, int64_t N, int64_t I,
                int whole, int descending) {
  if (O * N * I == 0) return DONE;
  sorting t = {.x = x, .values = values, .indices = indices, .N = N, .I = I, .whole = whole, .descending = descending};
  if (N <= LONG) {
    SCRATCH(pair, pairs, e, threads_of(e) * 2 * N);
    t.pairs = pairs;
    if (I == 1) share(e, O, (double)O * N * 10, sort_row, &t);
    else {
      SCRATCH(int32_t, rows, e, threads_of(e) * 3 * BLOCK * staged(N));
      t.rows = rows;
      share(e, O * pieces(I, BLOCK), (double)O * N * I * 12, sort_columns, &t);
    }
    return done(e, DONE);
  }
  SCRATCH(pair, pairs, e, 2 * N);
  SCRATCH(uint32_t, counts, e, CHUNKS * VALUES);
  t.counts = counts;
  t.length = pieces(N, CHUNKS);
  for (int64_t row = 0; row < O * I; row++) {
    t.pairs = pairs;
    t.other = pairs + N;
    t.at = row / I * N * I + row % I;
    sort_long_row(e, &t);
  }
  return done(e, DONE);
}
