/* Rows of a table by id, and the gradient. Ids were checked before either runs. */
#include <string.h>

#include "bfloat16.h"

/* Rows of a unit; columns of one of the gradient. */
#define ROWS 32
#define COLUMNS 128

typedef struct {
  float *to;
  const kept *from;
  const int32_t *ids;
  int64_t N, C;
  bool half;
} rows;

static void some_rows(const void *job, int64_t unit, int thread) {
  (void)thread;
  const rows *t = job;
  int64_t end = least((unit + 1) * ROWS, t->N);
  for (int64_t n = unit * ROWS; n < end; n++) {
    float *to = t->to + n * t->C;
    int64_t at = t->ids[n] * t->C;
    if (!t->half) memcpy(to, (const float *)t->from + at, (size_t)t->C * 4);
    else
      for (int64_t i = 0; i < t->C; i++) to[i] = value_at(t->from, at + i, true);
  }
}

/* to (N, C): rows of the table (V, C), floats or halves, by their ids (N). */
EXPORT int embedding(engine *e, float *to, const kept *table, const int32_t *ids, int64_t N, int64_t C, int half) {
  rows t = {to, table, ids, N, C, half};
  share(e, pieces(N, ROWS), (double)N * C * .2, some_rows, &t);
  return DONE;
}

/* Some columns of every row, in the rows' order. */
static void some_columns(const void *job, int64_t unit, int thread) {
  (void)thread;
  const rows *t = job;
  int64_t begin = unit * COLUMNS, columns = least(COLUMNS, t->C - begin);
  for (int64_t n = 0; n < t->N; n++) {
    const float *from = (const float *)t->from + n * t->C + begin;
    float *to = t->to + t->ids[n] * t->C + begin;
    for (int64_t i = 0; i < columns; i++) to[i] += from[i];
  }
}

/* dtable (V, C) += the rows of dy (N, C), each in its id's row. */
EXPORT int embedding_grad(engine *e, float *dtable, const float *dy, const int32_t *ids, int64_t N, int64_t C) {
  rows t = {dtable, dy, ids, N, C, false};
  share(e, pieces(C, COLUMNS), (double)N * C * .3, some_columns, &t);
  return DONE;
}
