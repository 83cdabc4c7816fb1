/*
 * Reductions that need two numbers for what they have seen: variance (mean, sum of squared distances from it) and
 * log sum e^x (the largest, sum of e^(x - largest)).
 */
#include <float.h>
#include <math.h>

#include "exponentials.h"
#include "reduce.h"

/*
 * In one pass, by distances d from the first value: what cancels in sum d^2 - (sum d)^2 / n is at most n roundings of float64,
 * since the first value's own distance is in the result.
 */
static void settle(slot *to, double first, double sum, double squares, double n) {
  double rest = squares - sum * sum / n;
  *to = (slot){first + sum / n, n > 0 && !(rest < 0) ? rest : 0};
}

static void run_variance(const float *x, int64_t n, int64_t from, slot *to) {
  (void)from;
  double first = n > 0 ? x[0] : 0;
  wide sum = {0}, sum2 = sum, squares = sum, squares2 = sum;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    wide a = load_wide(x + i) - first, b = load_wide(x + i + WIDE_LANES) - first;
    sum += a;
    sum2 += b;
    squares += a * a;
    squares2 += b * b;
  }
  double s = sum_wide(sum + sum2), q = sum_wide(squares + squares2);
  for (; i < n; i++) {
    double d = x[i] - first;
    s += d;
    q += d * d;
  }
  settle(to, first, s, q, (double)n);
}

static void columns_variance(const float *x, int64_t stride, int64_t rows, int64_t n, int64_t from, slot *to) {
  (void)from;
  _Alignas(64) double sum[COLUMNS] = {0}, squares[COLUMNS] = {0};
  for (int64_t row = 0; row < rows; row += 8) {
    int64_t count = least(8, rows - row), j = 0;
    const float *at = x + row * stride;
    for (; j + WIDE_LANES <= n; j += WIDE_LANES) {
      wide first = load_wide(x + j), s = *(wide *)(sum + j), q = *(wide *)(squares + j);
      for (int64_t r = 0; r < count; r++) {
        wide d = load_wide(at + r * stride + j) - first;
        s += d;
        q += d * d;
      }
      *(wide *)(sum + j) = s;
      *(wide *)(squares + j) = q;
    }
    for (; j < n; j++)
      for (int64_t r = 0; r < count; r++) {
        double d = (double)at[r * stride + j] - x[j];
        sum[j] += d;
        squares[j] += d * d;
      }
  }
  for (int64_t j = 0; j < n; j++) settle(to + j, rows > 0 ? x[j] : 0, sum[j], squares[j], (double)rows);
}

static void join_variance(slot *to, const slot *more, double have, double count) {
  double apart = more->a - to->a, all = have + count;
  to->a += apart * count / all;
  to->b += more->b + apart * apart * have * count / all;
}

static float finish_variance(const slot *of, double factor) { return (float)(of->b * factor); }

static const fold variance_fold = {run_variance, columns_variance, join_variance, finish_variance, .2};

/* y (O,I) = factor times the sum of squared distances from the mean over N of x (O,N,I). */
EXPORT int reduce_variance(engine *e, float *y, const float *x, int64_t O, int64_t N, int64_t I, double factor) {
  return reduce_by(e, &variance_fold, y, x, O, N, I, factor);
}

static void run_log_sum_exp(const float *x, int64_t n, int64_t from, slot *to) {
  (void)from;
  float largest = largest_of(x, n);
  *to = (slot){largest, isfinite(largest) ? exp_sum(x, NULL, n, largest) : 0};
}

/* Rows that are taken in together: first their largest value, to which the sum so far is brought. */
#define TOGETHER 16

void column_log_sums(const float *x, int64_t stride, int64_t rows, int64_t n, float *largest, double *sum) {
  for (int64_t j = 0; j < n; j += LANES) {
    store(largest + j, splat(-INFINITY));
    *(wide *)(sum + j) = *(wide *)(sum + j + WIDE_LANES) = (wide){0};
  }
  for (int64_t row = 0; row < rows; row += TOGETHER) {
    int64_t count = least(TOGETHER, rows - row);
    const float *from = x + row * stride;
    for (int64_t j = 0; j < n; j += LANES) {
      int64_t part = least(LANES, n - j);
      vec before = load(largest + j), now = before, e = {0};
      for (int64_t r = 0; r < count; r++) now = larger_or_nan(now, load_up_to(from + r * stride + j, part));
      store(largest + j, now);
      /* Where all are -infinity, distances are so, too; where it is not finite otherwise, the sum is of no use. */
      vec least_finite = splat(-FLT_MAX), shift = larger(now, least_finite);
      for (int64_t r = 0; r < count; r++) e += exp_below(load_up_to(from + r * stride + j, part) - shift);
      vec factor = exp_below(larger(before, least_finite) - shift);
      wide *low = (wide *)(sum + j), *high = low + 1;
      *low = *low * widen_low(factor) + widen_low(e);
      *high = *high * widen_high(factor) + widen_high(e);
    }
  }
}

static void columns_log_sum_exp(const float *x, int64_t stride, int64_t rows, int64_t n, int64_t from, slot *to) {
  (void)from;
  _Alignas(64) double sum[COLUMNS];
  _Alignas(64) float largest[COLUMNS];
  column_log_sums(x, stride, rows, n, largest, sum);
  for (int64_t j = 0; j < n; j++) to[j] = (slot){largest[j], sum[j]};
}

static double rescaled(const slot *s, double largest) { return s->a == -INFINITY ? 0 : s->b * exp(s->a - largest); }

static void join_log_sum_exp(slot *to, const slot *more, double have, double count) {
  (void)have, (void)count;
  /* NaN where one is. */
  double largest = to->a > more->a || to->a != to->a ? to->a : more->a;
  *to = (slot){largest, rescaled(to, largest) + rescaled(more, largest)};
}

/* Where the largest is not finite, it is the result. */
static float finish_log_sum_exp(const slot *of, double factor) {
  (void)factor;
  return (float)(isfinite(of->a) ? of->a + log(of->b) : of->a);
}

const fold log_sum_exp_fold = {run_log_sum_exp, columns_log_sum_exp, join_log_sum_exp, finish_log_sum_exp, .5};

/* y (O,I) = log of the sum of e^x over N of x (O,N,I). */
EXPORT int reduce_logSumExp(engine *e, float *y, const float *x, int64_t O, int64_t N, int64_t I, double factor) {
  return reduce_by(e, &log_sum_exp_fold, y, x, O, N, I, factor);
}
