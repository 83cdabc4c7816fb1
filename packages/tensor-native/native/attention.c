/*
 * Causal attention without a T x T matrix: tiles of keys by queries with a running softmax (Dao et al. 2022). A unit is
 * one block of queries of one head, so that every sum is made by one thread in one order.
 */
#include "attention.h"

#include "few-queries.h"

typedef struct {
  const float *q, *k, *v;
  float *y, *lse;
  int64_t Tq, Tk, C, H, D, wide, capacity, blocks;
  float scale;
  float *scratch;
  int64_t floats;
} attending;

/* A block's own memory: queries / sqrt(D) by columns, scores (KEYS, QUERIES), copies of keys and values, sums of these. */
typedef struct {
  float *queries, *scores, *keys, *values, *out;
  /* Of each query: the largest score, the sum of exponentials, and what is left of sums from before the largest. */
  float *tops, *sums, *shrinks;
} state;

static state state_at(float *at, int64_t D, int64_t wide) {
  state s = {.tops = at};
  s.sums = s.tops + QUERIES;
  s.shrinks = s.sums + QUERIES;
  s.queries = s.shrinks + QUERIES;
  s.scores = s.queries + QUERIES * D;
  s.keys = s.scores + KEYS * QUERIES;
  s.values = s.keys + KEYS * wide;
  s.out = s.values + KEYS * wide;
  return s;
}

static int64_t state_floats(int64_t D, int64_t wide) {
  int64_t floats = 3 * QUERIES + QUERIES * D + KEYS * QUERIES + 2 * KEYS * wide + in_panels(QUERIES) * wide;
  return pieces(floats, 16) * 16;
}

/* The scores of all keys that any query sees, each by all queries from the first one's panel on. */
static void score(state s, view t, int64_t D, rows_of keys) {
  int64_t end = pieces(t.rows, PAIR) * PAIR, seen = seen_before(t, t.rows);
  for (int64_t j = 0; j < seen; j += HEIGHT) {
    int64_t begin = first_to_see(t, j) / PAIR * PAIR;
    factor queries = {s.queries + begin * D, PAIR, end - begin, D};
    float *to = s.scores + j * QUERIES + begin;
    by_rows(seen - j, D, keys.at + j * keys.stride, keys.stride, &queries, to, QUERIES, false);
  }
}

static vec largest_of(const float *x, int64_t rows) {
  vec largest[4] = {[0 ... 3] = splat(-INFINITY)};
  int64_t j = 0;
  for (; j + 4 <= rows; j += 4)
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) largest[i] = upper(load(x + (j + i) * QUERIES), largest[i]);
  for (; j < rows; j++) largest[0] = upper(load(x + j * QUERIES), largest[0]);
  return larger(larger(largest[0], largest[1]), larger(largest[2], largest[3]));
}

/*
 * As many queries as a vector has, from query g on: scores become exp(s - top), and 0 where causality hides the
 * key; keeps the running maximum and sum.
 */
static void soften(state s, view t, int64_t g) {
  float *at = s.scores + g;
  int64_t seen = seen_before(t, g + LANES), hidden = t.ahead + g;
  for (int64_t j = most(0, hidden + 1); j < seen; j++) {
    ivec hides = lanes() < (int32_t)(j - hidden);
    store(at + j * QUERIES, pick(hides, splat(-INFINITY), load(at + j * QUERIES)));
  }
  vec before = load(s.tops + g), top = larger(largest_of(at, seen), before), sum = {0};
  /* Where all scores are -infinity, exponentials are 0. */
  vec from = pick(top == -INFINITY, (vec){0}, top);
  for (int64_t j = 0; j < seen; j++) {
    vec p = exp_negative(load(at + j * QUERIES) - from);
    store(at + j * QUERIES, p);
    sum += p;
  }
  /* The panel of queries that the last of these is in reads this far. */
  int64_t end = seen_before(t, (g + LANES - 1) / HEIGHT * HEIGHT + HEIGHT);
  for (int64_t j = seen; j < end; j++) store(at + j * QUERIES, (vec){0});
  vec shrink = exp_negative(before - from);
  store(s.shrinks + g, shrink);
  store(s.tops + g, top);
  store(s.sums + g, load(s.sums + g) * shrink + sum);
}

/* out (+)= P . values, where what was summed so far is brought under the new maxima. */
static void gather(state s, view t, int64_t wide, rows_of values, bool first) {
  for (int64_t r = 0; r < t.rows && !first; r++) {
    float shrink = s.shrinks[r], *out = s.out + r * wide;
    if (shrink == 1) continue;
    for (int64_t d = 0; d < wide; d += LANES) store(out + d, load(out + d) * shrink);
  }
  factor b = {values.at, values.stride, wide, 1};
  for (int64_t i = 0; i < t.rows; i += HEIGHT)
    by_columns(t.rows - i, seen_before(t, i + HEIGHT), s.scores + i, QUERIES, &b, s.out + i * wide, wide, !first);
}

static void finish(const attending *a, state s, int64_t rows, float *y, float *lse) {
  for (int64_t g = 0; g < rows; g += LANES) {
    vec sum = load(s.sums + g), whole = load(s.tops + g) + vlog(sum);
    store_up_to(lse + g, whole, least(LANES, rows - g));
    store(s.sums + g, 1 / sum);
  }
  for (int64_t r = 0; r < rows; r++) {
    const float *out = s.out + r * a->wide;
    for (int64_t d = 0; d < a->D; d += LANES) store_up_to(y + d, load(out + d) * s.sums[r], least(LANES, a->D - d));
    y += a->C;
  }
}

static void attend(const void *job, int64_t unit, int thread) {
  const attending *a = job;
  int64_t C = a->C, D = a->D, head = unit / a->blocks, b = head / a->H, channel = head % a->H * D;
  /* The last queries see the most keys: they go first. */
  int64_t i0 = (a->blocks - 1 - unit % a->blocks) * QUERIES, rows = least(QUERIES, a->Tq - i0);
  int64_t at = (b * a->Tq + i0) * C + channel, past = a->Tk - a->Tq, last = i0 + rows + past;
  state s = state_at(a->scratch + thread * a->floats, D, a->wide);
  pack_columns(a->q + at, C, rows, D, a->scale, s.queries);
  for (int64_t i = 0; i < QUERIES; i++) s.tops[i] = -INFINITY, s.sums[i] = 0;
  for (int64_t j0 = 0; j0 < last; j0 += KEYS) {
    view t = {rows, least(KEYS, last - j0), i0 + past - j0};
    int64_t from = (b * a->capacity + j0) * C + channel, there = a->capacity - j0;
    score(s, t, D, readable(a->k + from, C, t.columns, there, D, a->wide, s.keys));
    for (int64_t g = 0; g < rows; g += LANES) soften(s, t, g);
    gather(s, t, a->wide, readable(a->v + from, C, t.columns, there, D, a->wide, s.values), j0 == 0);
  }
  finish(a, s, rows, a->y + at, a->lse + head * a->Tq + i0);
}

/* y (B, Tq, C), lse (B, H, Tq) of q (B, Tq, C) and the first Tk rows of k and v (B, capacity, C). */
EXPORT int attention(engine *e, float *y, float *lse, const float *q, const float *k, const float *v, int64_t B,
                     int64_t Tq, int64_t Tk, int64_t C, int64_t H, int64_t capacity) {
  if (Tq <= FEW_QUERIES) return few_queries(e, y, lse, q, k, v, B, Tq, Tk, C, H, capacity);
  int64_t D = C / H, wide = pieces(D, LANES) * LANES, floats = state_floats(D, wide);
  SCRATCH(float, memory, e, threads_of(e) * floats);
  attending a = {.q = q, .k = k, .v = v, .y = y, .lse = lse, .Tq = Tq, .Tk = Tk, .C = C, .H = H, .D = D, .wide = wide,
                 .capacity = capacity, .blocks = pieces(Tq, QUERIES), .scale = 1 / sqrtf((float)D), .scratch = memory,
                 .floats = floats};
  share(e, B * H * a.blocks, (double)B * Tq * Tk * C * .025, attend, &a);
  return done(e, DONE);
}

/* Rows, `size` floats of each of B entries, into a cache with `room` floats for each, from `begin` on. */
EXPORT int write_rows(engine *e, float *cache, const float *rows, int64_t B, int64_t size, int64_t room,
                      int64_t begin) {
  (void)e;
  for (int64_t b = 0; b < B; b++) memcpy(cache + b * room + begin, rows + b * size, (size_t)size * 4);
  return DONE;
}
