/*
 * The engine as a process of its own, where LeakSanitizer counts what is not given back (under Node it would count Node's, too):
 * engine.test.ts compiles and runs it. `leak` and `overrun` do what has to be noticed.
 */
#define _GNU_SOURCE
#include "../native/engine.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

engine *engine_start(int threads);
void engine_stop(engine *e);
int64_t reserve(int64_t bytes);
int unreserve(float *base, int64_t bytes);
int allow(float *at, int64_t bytes, int allowed);
int linear(engine *e, float *y, const float *x, const void *w, const float *bias, int64_t rows, int64_t K,
           int64_t width, int64_t stride, int transpose, int half, int add);

/* So many more threads are started; the next one is not. */
static int startable;

EXPORT int pthread_create(pthread_t *handle, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
  int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");
  return startable-- > 0 ? create(handle, attributes, run, argument) : EAGAIN;
}

#define BYTES (4 << 20)
#define N 300

static void expect(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "%s\n", what);
  exit(3);
}

/* A product of ones on so many threads, with scratch memory. */
static void use(int threads, int overrun) {
  startable = threads - 1;
  engine *e = engine_start(threads);
  expect(e != NULL, "the engine does not start");
  float *base = (float *)reserve(BYTES), *x = base, *y = base + N * N;
  expect(base != NULL, "no memory");
  allow(base, BYTES, 0);
  allow(base, (2 * N * N - overrun) * (int64_t)sizeof(float), 1);
  for (int i = 0; i < N * N; i++) x[i] = 1;
  for (int i = 0; i < 3; i++) expect(linear(e, y, x, x, NULL, N, N, N, N, 0, 0, 0) == DONE, "no scratch memory");
  expect(y[0] == N && y[N * N - 1 - overrun] == N, "a wrong product");
  allow(base, BYTES, 1);
  expect(unreserve(base, BYTES) == 0, "memory is not given back");
  engine_stop(e);
}

int main(int count, char **arguments) {
  const char *what = count > 1 ? arguments[1] : "";
  for (int threads = 1; threads <= 3; threads++) use(threads, strcmp(what, "overrun") == 0 ? 16 : 0);
  for (startable = 0; startable < 3; startable++) {
    int some = startable;
    expect(engine_start(4) == NULL, "an engine with threads that did not start");
    startable = some;
  }
  /* Nobody knows where it is any more. */
  if (strcmp(what, "leak") == 0) memset(malloc(99), 1, 99);
  return 0;
}
