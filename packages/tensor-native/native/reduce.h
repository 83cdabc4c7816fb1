/*
 * Reductions of x (O,N,I) over N. N is cut into parts by the sizes alone. What each part comes to is a slot, for every
 * (o, part, i); where there are several, they are joined in order.
 */
#ifndef NORMLESS_REDUCE_H
#define NORMLESS_REDUCE_H

#include "engine.h"
#include "vector.h"

/* Columns that have their running results side by side, at most. */
#define COLUMNS 512

/* What values come to: one number, or two. An int32 is a float64, too. */
typedef struct {
  double a, b;
} slot;

/* How values are taken in. x is of 32 bits, of the kind that the functions are for. */
typedef struct {
  /* n values in a row, of which the first is the one at place `from` along N. */
  void (*run)(const float *x, int64_t n, int64_t from, slot *to);
  /* `rows` rows of n <= COLUMNS columns, `stride` values apart: a slot for each column. */
  void (*columns)(const float *x, int64_t stride, int64_t rows, int64_t n, int64_t from, slot *to);
  /* The slot of `have` values and that of `count` after them. */
  void (*join)(slot *to, const slot *more, double have, double count);
  /* The result, of 32 bits. */
  float (*finish)(const slot *of, double factor);
  /* Nanoseconds of one thread for a value. */
  double cost;
} fold;

/* How N is cut: by the sizes alone, since that decides how sums are rounded. */
typedef struct {
  int64_t length, parts;
} cut;
cut cut_of(int64_t O, int64_t N, int64_t I);

/* Of x (O,N): O * parts slots in scratch memory, one for each part, not joined; NULL where there is none. */
slot *part_slots(engine *e, const float *x, int64_t O, int64_t N, cut c, const fold *f);

/* The first of each row's becomes the one of all of them. */
void join_slots(slot *slots, int64_t O, int64_t N, cut c, const fold *f);

/* y (O,I) of x (O,N,I). */
int reduce_by(engine *e, const fold *f, float *y, const float *x, int64_t O, int64_t N, int64_t I, double factor);

/* The largest of n values; NaN where there is one, -infinity of none. */
float largest_of(const float *x, int64_t n);

/*
 * The largest of each of n <= COLUMNS columns, and the sum of e^(x - largest), which is of use where that is finite. Both
 * arrays have room for COLUMNS, from a multiple of 64 bytes on.
 */
void column_log_sums(const float *x, int64_t stride, int64_t rows, int64_t n, float *largest, double *sum);

extern const fold sum_fold, int_sum_fold, log_sum_exp_fold;

#endif
