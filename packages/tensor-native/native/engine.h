/* What every kernel is given: threads that share its work, and memory that is its own while it runs. */
#ifndef NORMLESS_ENGINE_H
#define NORMLESS_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* A kernel returns one of these. */
enum { DONE = 0, OUT_OF_MEMORY = 1 };

typedef struct engine engine;

/* Does one of a job's units; `thread` is from 0 to the engine's threads - 1. */
typedef void work(const void *job, int64_t unit, int thread);

int threads_of(const engine *e);

/*
 * Does all units, by whichever thread is free: what a unit computes must depend on its number alone, so that bits do not
 * depend on the number of threads. `cost` estimates the whole in nanoseconds of one thread; little work is not shared, nor
 * is any without an engine.
 */
void share(engine *e, int64_t units, double cost, work *of, const void *job);

/* Memory until the kernel returns, at a multiple of 64 bytes; NULL where there is none. */
void *scratch(engine *e, size_t bytes);

/* Gives back all of it, and returns `code`: the last words of a kernel that asked for some. */
int done(engine *e, int code);

/* `count` values of scratch memory under a name, or the kernel ends here. */
#define SCRATCH(type, name, e, count)                            \
  type *name = scratch(e, (size_t)(count) * sizeof(type));       \
  if (!name) return done(e, OUT_OF_MEMORY)

#endif
