/* Addresses for the engine's tensors, and copies between them and memory of JavaScript. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>

#include "engine.h"
#include "vector.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

/* An address, or 0 where the system refuses. No page is there before it is written. */
EXPORT int64_t reserve(int64_t bytes) {
  void *base = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return 0;
#ifdef MADV_HUGEPAGE
  madvise(base, (size_t)bytes, MADV_HUGEPAGE);
#endif
#ifdef __SANITIZE_ADDRESS__
  __asan_poison_memory_region(base, (size_t)bytes);
#endif
  return (int64_t)base;
}

EXPORT int unreserve(float *base, int64_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(base, (size_t)bytes);
#endif
  return munmap(base, (size_t)bytes);
}

/* Says which memory is somebody's, to AddressSanitizer where that watches. */
EXPORT int allow(float *at, int64_t bytes, int allowed) {
#ifdef __SANITIZE_ADDRESS__
  if (allowed) __asan_unpoison_memory_region(at, (size_t)bytes);
  else __asan_poison_memory_region(at, (size_t)bytes);
#else
  (void)at, (void)bytes, (void)allowed;
#endif
  return DONE;
}

EXPORT int copy_in(float *to, const void *from, int64_t bytes) {
  memcpy(to, from, (size_t)bytes);
  return DONE;
}

EXPORT int copy_out(void *to, const float *from, int64_t bytes) {
  memcpy(to, from, (size_t)bytes);
  return DONE;
}
