/*
 * Threads that spin while work comes and sleep when none does, and scratch memory.
 *
 * A job is published as one number, the ticket: its generation above, how many of its units are left below. A thread takes a
 * unit by lowering it, which fails when the job has changed meanwhile; so a thread that was late finds nothing to do, and
 * nobody waits for one that sleeps.
 */
#define _GNU_SOURCE
#include "engine.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__) || defined(__i386__)
#define PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() ((void)0)
#endif

/* How long a thread looks for work before it sleeps, and how often it looks at the clock. */
#define PATIENCE_NS 2000000
#define LOOKS 256
/* Below this many nanoseconds of one thread a job is not worth another's time. */
#define WORTH_SHARING 6000

#define REMAINING 0xffffffffu

typedef struct block {
  struct block *next;
  size_t size;
} block;

typedef struct {
  engine *of;
  int number;
  pthread_t handle;
} thread;

struct engine {
  int threads;
  thread *others;
  _Alignas(64) atomic_uint_fast64_t ticket;
  _Alignas(64) atomic_int_fast64_t finished;
  int64_t units;
  work *of;
  const void *job;
  _Alignas(64) atomic_int sleepers;
  atomic_bool quit;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  /* Scratch: one piece that fits what an op needed before, and more while one needs more. */
  char *piece;
  size_t size, used, wanted;
  block *more;
};

int threads_of(const engine *e) { return e->threads; }

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* Takes and does units of the job in force; false when there was none. */
static bool help(engine *e, int number) {
  bool helped = false;
  uint64_t ticket = atomic_load_explicit(&e->ticket, memory_order_acquire);
  while (ticket & REMAINING) {
    if (!atomic_compare_exchange_weak_explicit(&e->ticket, &ticket, ticket - 1, memory_order_acq_rel,
                                               memory_order_acquire))
      continue;
    /* The job cannot end before this unit has: what it is stands still. */
    e->of(e->job, e->units - (int64_t)(ticket & REMAINING), number);
    atomic_fetch_add_explicit(&e->finished, 1, memory_order_release);
    helped = true;
    ticket = atomic_load_explicit(&e->ticket, memory_order_acquire);
  }
  return helped;
}

static void sleep_until_woken(engine *e) {
  pthread_mutex_lock(&e->lock);
  atomic_fetch_add(&e->sleepers, 1);
  while (!(atomic_load(&e->ticket) & REMAINING) && !atomic_load(&e->quit)) pthread_cond_wait(&e->wake, &e->lock);
  atomic_fetch_sub(&e->sleepers, 1);
  pthread_mutex_unlock(&e->lock);
}

static void wake_sleepers(engine *e) {
  pthread_mutex_lock(&e->lock);
  pthread_cond_broadcast(&e->wake);
  pthread_mutex_unlock(&e->lock);
}

static void *serve(void *argument) {
  thread *self = argument;
  engine *e = self->of;
  int64_t idle_since = now();
  while (!atomic_load_explicit(&e->quit, memory_order_relaxed)) {
    if (help(e, self->number)) idle_since = now();
    for (int look = 0; look < LOOKS; look++) {
      if (atomic_load_explicit(&e->ticket, memory_order_relaxed) & REMAINING) break;
      PAUSE();
    }
    if (now() - idle_since > PATIENCE_NS) {
      sleep_until_woken(e);
      idle_since = now();
    }
  }
  return NULL;
}

void share(engine *e, int64_t units, double cost, work *of, const void *job) {
  if (!e || e->threads == 1 || units <= 1 || cost < WORTH_SHARING) {
    for (int64_t unit = 0; unit < units; unit++) of(job, unit, 0);
    return;
  }
  /* More than a ticket counts go in turns. */
  for (int64_t first = 0; first < units;) {
    e->units = units;
    e->of = of;
    e->job = job;
    int64_t count = units - first;
    if (count > (int64_t)REMAINING) count = REMAINING;
    e->units = first + count;
    atomic_store_explicit(&e->finished, 0, memory_order_relaxed);
    uint64_t generation = (atomic_load_explicit(&e->ticket, memory_order_relaxed) >> 32) + 1;
    atomic_store(&e->ticket, generation << 32 | (uint64_t)count);
    if (atomic_load(&e->sleepers) > 0) wake_sleepers(e);
    help(e, 0);
    for (int look = 1; atomic_load_explicit(&e->finished, memory_order_acquire) < count; look++) {
      PAUSE();
      if (look % 4096 == 0) sched_yield();
    }
    first += count;
  }
}

static size_t rounded(size_t bytes) { return (bytes + 63) / 64 * 64; }

#ifdef __SANITIZE_ADDRESS__
#define SEPARATE 1
#else
#define SEPARATE 0
#endif

void *scratch(engine *e, size_t bytes) {
  size_t size = rounded(bytes ? bytes : 1);
  e->wanted += size;
  if (!SEPARATE && e->used + size <= e->size) {
    void *at = e->piece + e->used;
    e->used += size;
    return at;
  }
  block *more = aligned_alloc(64, 64 + size);
  if (!more) return NULL;
  more->next = e->more;
  e->more = more;
  return (char *)more + 64;
}

int done(engine *e, int code) {
  while (e->more) {
    block *more = e->more;
    e->more = more->next;
    free(more);
  }
  if (!SEPARATE && e->wanted > e->size) {
    free(e->piece);
    e->piece = aligned_alloc(64, e->wanted);
    e->size = e->piece ? e->wanted : 0;
  }
  e->used = e->wanted = 0;
  return code;
}

EXPORT void engine_stop(engine *e) {
  atomic_store(&e->quit, true);
  wake_sleepers(e);
  for (int i = 0; i < e->threads - 1; i++) pthread_join(e->others[i].handle, NULL);
  done(e, DONE);
  pthread_mutex_destroy(&e->lock);
  pthread_cond_destroy(&e->wake);
  free(e->piece);
  free(e->others);
  free(e);
}

/* NULL when a thread does not start. */
EXPORT engine *engine_start(int threads) {
  engine *e = aligned_alloc(64, rounded(sizeof *e));
  if (!e) return NULL;
  memset(e, 0, sizeof *e);
  e->threads = 1;
  pthread_mutex_init(&e->lock, NULL);
  pthread_cond_init(&e->wake, NULL);
  e->others = calloc((size_t)threads, sizeof *e->others);
  for (int i = 0; e->others && i < threads - 1; i++) {
    e->others[i] = (thread){.of = e, .number = i + 1};
    if (pthread_create(&e->others[i].handle, NULL, serve, &e->others[i]) != 0) break;
    e->threads++;
  }
  if (e->threads == threads) return e;
  engine_stop(e);
  return NULL;
}
