/*
 * The gradient of attention, in tiles of keys by queries: scores, and what follows from them, lie key by key. A unit is
 * one whole head, so that every sum is made by one thread in one order.
 */
#include "attention.h"

typedef struct {
  const float *dy, *q, *k, *v, *y, *lse;
  float *dq, *dk, *dv;
  int64_t Tq, Tk, C, H, D, wide;
  bool add_dq, add_dk, add_dv;
  float scale;
  float *scratch;
  int64_t floats;
} attending;

/* Where a gradient of some rows is summed: in place, or beside it where panels or vectors would end outside. */
typedef struct {
  float *at;
  int64_t stride;
  bool add;
} target;

/* A head's own memory: of its queries lse and scale * dy . y, and scale * queries and dy by columns. */
typedef struct {
  float *lse, *deltas, *q_columns, *dy_columns;
  /* Of a tile (KEYS, QUERIES): the probabilities, and the gradient of the scores. */
  float *P, *dS;
  /* Copies, where something is needed beside what it lies in. */
  float *q_rows, *dy_rows, *keys, *values, *dq, *dk, *dv;
} state;

static int64_t layout(state *s, float *at, int64_t Tq, int64_t D, int64_t wide) {
  int64_t blocks = pieces(Tq, QUERIES) * QUERIES, tile = KEYS * QUERIES, rows = blocks * wide, keys = KEYS * wide;
  struct {
    float **part;
    int64_t floats;
  } parts[] = {{&s->lse, blocks},  {&s->deltas, blocks}, {&s->q_columns, blocks * D}, {&s->dy_columns, blocks * D},
               {&s->P, tile},      {&s->dS, tile},       {&s->q_rows, rows},          {&s->dy_rows, rows},
               {&s->keys, keys},   {&s->values, keys},   {&s->dq, rows},              {&s->dk, keys},
               {&s->dv, keys}};
  int64_t used = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    *parts[i].part = at + used;
    used += pieces(parts[i].floats, 16) * 16;
  }
  return used;
}

/* What the tiles of one head have in common. */
typedef struct {
  const attending *a;
  state s;
  rows_of q, dy, k, v;
  target dq, dk, dv;
} head;

/* How many keys any query sees, and those in panels with them: so that all of a panel's sums begin together. */
static int64_t seen_in(view at) { return least(at.columns, pieces(seen_before(at, at.rows), HEIGHT) * HEIGHT); }

/* The scores of all keys that any query sees, and dy . v, by all queries from the first one's panel on. */
static void score(const head *t, view at, int64_t i0) {
  state s = t->s;
  int64_t D = t->a->D, end = pieces(at.rows, PAIR) * PAIR, seen = seen_in(at);
  for (int64_t j = 0; j < seen; j += HEIGHT) {
    int64_t begin = first_to_see(at, j) / PAIR * PAIR, width = end - begin, to = j * QUERIES + begin;
    factor q = {s.q_columns + (i0 + begin) * D, PAIR, width, D}, dy = {s.dy_columns + (i0 + begin) * D, PAIR, width, D};
    by_rows(seen - j, D, t->k.at + j * t->k.stride, t->k.stride, &q, s.P + to, QUERIES, false);
    by_rows(seen - j, D, t->v.at + j * t->v.stride, t->v.stride, &dy, s.dS + to, QUERIES, false);
  }
}

/* Scores become P = exp(s - lse), and dy . v becomes dS = P * (dy . v - delta) * scale; 0 where hidden. */
static void differentiate(const head *t, view at, int64_t i0) {
  const float *lse = t->s.lse + i0, *deltas = t->s.deltas + i0, scale = t->a->scale;
  int64_t seen = seen_in(at);
  for (int64_t j = 0; j < seen; j++) {
    float *P = t->s.P + j * QUERIES, *dS = t->s.dS + j * QUERIES;
    int64_t first = first_to_see(at, j);
    /* From the first query that a panel reads beside one that sees the key. */
    for (int64_t g = most(0, first - HEIGHT + 1) / LANES * LANES; g < at.rows; g += LANES) {
      vec p = exp_negative(load(P + g) - load(lse + g)), ds = p * (load(dS + g) * scale - load(deltas + g));
      ivec sees = lanes() >= (int32_t)most(0, first - g);
      store(P + g, only(sees, p));
      store(dS + g, only(sees, ds));
    }
  }
}

/* dv += P^T . dy, dk += dS^T . q, dq += dS . k. */
static void gather(const head *t, view at, int64_t i0, bool first_keys) {
  state s = t->s;
  int64_t wide = t->a->wide, seen = seen_in(at);
  for (int64_t j = 0; j < seen; j += HEIGHT) {
    int64_t first = first_to_see(at, j), from = j * QUERIES + first, n = at.rows - first, i = i0 + first;
    /* Whether a block before has seen these keys. */
    bool more = i0 > 0 && j < at.ahead;
    factor dy = {t->dy.at + i * t->dy.stride, t->dy.stride, wide, 1};
    factor q = {t->q.at + i * t->q.stride, t->q.stride, wide, 1};
    by_rows(seen - j, n, s.P + from, QUERIES, &dy, t->dv.at + j * t->dv.stride, t->dv.stride, more || t->dv.add);
    by_rows(seen - j, n, s.dS + from, QUERIES, &q, t->dk.at + j * t->dk.stride, t->dk.stride, more || t->dk.add);
  }
  factor k = {t->k.at, t->k.stride, wide, 1};
  for (int64_t i = 0; i < at.rows; i += HEIGHT) {
    float *dq = t->dq.at + (i0 + i) * t->dq.stride;
    int64_t n = seen_before(at, i + HEIGHT);
    by_columns(at.rows - i, n, s.dS + i, QUERIES, &k, dq, t->dq.stride, !first_keys || t->dq.add);
  }
}

/* Where to sum up rows of a result, of which panels take `rows` beside whole ones. */
static target summed(const attending *a, float *to, int64_t rows, bool add, float *beside) {
  if (a->D == a->wide && in_panels(rows) == rows) return (target){to, a->C, add};
  return (target){beside, a->wide, false};
}

/* Brings them there, if they are not. */
static void settle(const attending *a, target from, float *to, int64_t rows, bool add) {
  if (from.at == to) return;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t d = 0; d < a->D; d++) {
      float sum = from.at[r * from.stride + d];
      to[r * a->C + d] = add ? to[r * a->C + d] + sum : sum;
    }
}

static void prepare(const attending *a, state s, int64_t unit, int64_t at) {
  int64_t blocks = pieces(a->Tq, QUERIES) * QUERIES;
  pack_columns(a->q + at, a->C, a->Tq, a->D, a->scale, s.q_columns);
  pack_columns(a->dy + at, a->C, a->Tq, a->D, 1, s.dy_columns);
  memcpy(s.lse, a->lse + unit * a->Tq, (size_t)a->Tq * 4);
  for (int64_t i = 0; i < a->Tq; i++) s.deltas[i] = a->scale * dot(a->dy + at + i * a->C, a->y + at + i * a->C, a->D);
  for (int64_t i = a->Tq; i < blocks; i++) s.lse[i] = s.deltas[i] = 0;
}

static void attend(const void *job, int64_t unit, int thread) {
  const attending *a = job;
  int64_t C = a->C, D = a->D, wide = a->wide, Tq = a->Tq, b = unit / a->H, channel = unit % a->H * D;
  int64_t past = a->Tk - Tq, queries = b * Tq * C + channel;
  head t = {.a = a};
  layout(&t.s, a->scratch + thread * a->floats, Tq, D, wide);
  prepare(a, t.s, unit, queries);
  t.q = readable(a->q + queries, C, Tq, INT64_MAX, D, wide, t.s.q_rows);
  t.dy = readable(a->dy + queries, C, Tq, INT64_MAX, D, wide, t.s.dy_rows);
  t.dq = summed(a, a->dq + queries, Tq % QUERIES, a->add_dq, t.s.dq);
  for (int64_t j0 = 0; j0 < a->Tk; j0 += KEYS) {
    int64_t columns = least(KEYS, a->Tk - j0), keys = (b * a->Tk + j0) * C + channel;
    t.k = readable(a->k + keys, C, columns, a->Tk - j0, D, wide, t.s.keys);
    t.v = readable(a->v + keys, C, columns, a->Tk - j0, D, wide, t.s.values);
    t.dk = summed(a, a->dk + keys, columns, a->add_dk, t.s.dk);
    t.dv = summed(a, a->dv + keys, columns, a->add_dv, t.s.dv);
    for (int64_t i0 = most(0, j0 - past) / QUERIES * QUERIES; i0 < Tq; i0 += QUERIES) {
      view at = {least(QUERIES, Tq - i0), columns, i0 + past - j0};
      score(&t, at, i0);
      differentiate(&t, at, i0);
      gather(&t, at, i0, j0 == 0);
    }
    settle(a, t.dk, a->dk + keys, columns, a->add_dk);
    settle(a, t.dv, a->dv + keys, columns, a->add_dv);
  }
  settle(a, t.dq, a->dq + queries, Tq, a->add_dq);
}

/* dq (B, Tq, C), dk, dv (B, Tk, C) (+)= of dy, q, y (B, Tq, C), k, v (B, Tk, C) and lse (B, H, Tq). */
EXPORT int attention_grad(engine *e, float *dq, float *dk, float *dv, const float *dy, const float *q, const float *k,
                          const float *v, const float *y, const float *lse, int64_t B, int64_t Tq, int64_t Tk,
                          int64_t C, int64_t H, int add_dq, int add_dk, int add_dv) {
  if (Tq == 0) {
    if (!add_dk) memset(dk, 0, (size_t)(B * Tk * C) * 4);
    if (!add_dv) memset(dv, 0, (size_t)(B * Tk * C) * 4);
    return DONE;
  }
  int64_t D = C / H, wide = pieces(D, LANES) * LANES, floats = layout(&(state){0}, NULL, Tq, D, wide);
  SCRATCH(float, memory, e, threads_of(e) * floats);
  attending a = {.dy = dy, .q = q, .k = k, .v = v, .y = y, .lse = lse, .dq = dq, .dk = dk, .dv = dv, .Tq = Tq, .Tk = Tk,
                 .C = C, .H = H, .D = D, .wide = wide, .add_dq = add_dq, .add_dk = add_dk, .add_dv = add_dv,
                 .scale = 1 / sqrtf((float)D), .scratch = memory, .floats = floats};
  share(e, B * H, (double)B * Tq * Tk * C * .06, attend, &a);
  return done(e, DONE);
}
