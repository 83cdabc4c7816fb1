/* Checks of values that index memory. */
#include <stdatomic.h>

#include "engine.h"
#include "vector.h"

/* Values of a unit, and of a block that is tested as a whole. */
#define CHUNK 16384
#define BLOCK 512

typedef struct {
  const int32_t *ids;
  int64_t n, limit;
  /* Where one is; n where there is none. */
  atomic_int_fast64_t *first;
} ids;

INLINE bool outside(int32_t id, uint32_t limit) { return (uint32_t)id >= limit; }

static void look(const void *job, int64_t unit, int thread) {
  (void)thread;
  const ids *t = job;
  /* A negative one is too large as an unsigned number, whatever the limit. */
  uint32_t limit = (uint32_t)least(t->limit, INT32_MAX + 1ll);
  int64_t at = unit * CHUNK, end = least(at + CHUNK, t->n);
  for (int64_t next; at < end; at = next) {
    next = least(at + BLOCK, end);
    uint32_t any = 0;
    for (int64_t i = at; i < next; i++) any |= outside(t->ids[i], limit);
    if (any) break;
  }
  while (at < end && !outside(t->ids[at], limit)) at++;
  if (at == end) return;
  int_fast64_t first = atomic_load(t->first);
  while (at < first && !atomic_compare_exchange_weak(t->first, &first, at)) continue;
}

/* Where the first of n values is that is not from 0 to limit - 1; -1 when all are. */
EXPORT int64_t first_outside(engine *e, const int32_t *values, int64_t n, int64_t limit) {
  atomic_int_fast64_t first = n;
  ids t = {values, n, limit, &first};
  share(e, pieces(n, CHUNK), (double)n * .15, look, &t);
  return first < n ? first : -1;
}
