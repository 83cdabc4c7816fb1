/* How the work of a reduction is cut, and its operators: sums and products, the largest and the least. See reduce.h. */
#include "reduce.h"

#include "exponentials.h"

/* Above this many values a row is cut into parts of half as many. */
#define LONG 32768
/* Parts that columns are cut into at most, and how many units there are to be without that. */
#define PARTS 64
#define ENOUGH 8
/* Values of a unit of short rows, and results of a unit that joins. */
#define CHUNK 16384
#define JOINED 256

cut cut_of(int64_t O, int64_t N, int64_t I) {
  int64_t length = N;
  if (I == 1) {
    if (N > LONG) length = LONG / 2;
  } else if (O * pieces(I, COLUMNS) < ENOUGH) {
    length = most(pieces(LONG, most(1, least(I, COLUMNS))), pieces(N, PARTS));
  }
  return length < N ? (cut){length, pieces(N, length)} : (cut){N, 1};
}

typedef struct {
  const fold *by;
  float *y;
  const float *x;
  slot *slots;
  int64_t O, N, I, unit_rows;
  cut cut;
  double factor;
} reduction;

/* I = 1, rows in one part: some of them. */
static void reduce_rows(const void *job, int64_t unit, int thread) {
  (void)thread;
  const reduction *t = job;
  int64_t end = least((unit + 1) * t->unit_rows, t->O);
  for (int64_t o = unit * t->unit_rows; o < end; o++) {
    slot s;
    t->by->run(t->x + o * t->N, t->N, 0, &s);
    t->y[o] = t->by->finish(&s, t->factor);
  }
}

/* I = 1: a part of a row. */
static void reduce_part(const void *job, int64_t unit, int thread) {
  (void)thread;
  const reduction *t = job;
  int64_t o = unit / t->cut.parts, from = unit % t->cut.parts * t->cut.length;
  t->by->run(t->x + o * t->N + from, least(t->cut.length, t->N - from), from, t->slots + unit);
}

/* Some columns of a part. */
static void reduce_columns(const void *job, int64_t unit, int thread) {
  (void)thread;
  const reduction *t = job;
  int64_t blocks = pieces(t->I, COLUMNS), part = unit / blocks;
  int64_t i = unit % blocks * COLUMNS, n = least(COLUMNS, t->I - i);
  int64_t from = part % t->cut.parts * t->cut.length, o = part / t->cut.parts;
  slot own[COLUMNS], *to = t->cut.parts > 1 ? t->slots + part * t->I + i : own;
  t->by->columns(t->x + (o * t->N + from) * t->I + i, t->I, least(t->cut.length, t->N - from), n, from, to);
  if (t->cut.parts > 1) return;
  for (int64_t j = 0; j < n; j++) t->y[part * t->I + i + j] = t->by->finish(to + j, t->factor);
}

/* The slots of one result, `apart` from each other, into the first. */
static void join_one(slot *first, int64_t apart, int64_t N, cut c, const fold *f) {
  for (int64_t part = 1; part < c.parts; part++) {
    int64_t have = part * c.length;
    f->join(first, first + part * apart, (double)have, (double)least(c.length, N - have));
  }
}

void join_slots(slot *slots, int64_t O, int64_t N, cut c, const fold *f) {
  for (int64_t o = 0; o < O; o++) join_one(slots + o * c.parts, 1, N, c, f);
}

static void join_parts(const void *job, int64_t unit, int thread) {
  (void)thread;
  const reduction *t = job;
  int64_t end = least((unit + 1) * JOINED, t->O * t->I);
  for (int64_t at = unit * JOINED; at < end; at++) {
    slot *first = t->slots + at / t->I * t->cut.parts * t->I + at % t->I;
    join_one(first, t->I, t->N, t->cut, t->by);
    t->y[at] = t->by->finish(first, t->factor);
  }
}

slot *part_slots(engine *e, const float *x, int64_t O, int64_t N, cut c, const fold *f) {
  slot *slots = scratch(e, (size_t)(O * c.parts) * sizeof *slots);
  if (!slots) return NULL;
  reduction t = {.by = f, .x = x, .slots = slots, .O = O, .N = N, .I = 1, .cut = c};
  share(e, O * c.parts, (double)O * N * f->cost, reduce_part, &t);
  return slots;
}

int reduce_by(engine *e, const fold *f, float *y, const float *x, int64_t O, int64_t N, int64_t I, double factor) {
  if (O * I == 0) return DONE;
  reduction t = {.by = f, .y = y, .x = x, .O = O, .N = N, .I = I, .cut = cut_of(O, N, I), .factor = factor};
  double cost = (double)O * N * I * f->cost;
  if (I != 1) {
    if (t.cut.parts > 1) {
      t.slots = scratch(e, (size_t)(O * t.cut.parts * I) * sizeof(slot));
      if (!t.slots) return done(e, OUT_OF_MEMORY);
    }
    share(e, O * t.cut.parts * pieces(I, COLUMNS), cost, reduce_columns, &t);
  } else if (t.cut.parts > 1) {
    t.slots = part_slots(e, x, O, N, t.cut, f);
    if (!t.slots) return done(e, OUT_OF_MEMORY);
  } else {
    t.unit_rows = most(1, CHUNK / most(N, 1));
    share(e, pieces(O, t.unit_rows), cost, reduce_rows, &t);
  }
  if (t.cut.parts > 1) share(e, pieces(O * I, JOINED), (double)O * I * t.cut.parts * 2, join_parts, &t);
  return done(e, DONE);
}
