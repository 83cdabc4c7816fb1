/* Statistics of stds by position class, and the loss that keeps them together. One value a token: one thread. */
#include "engine.h"

/* The class of a token that is neither first nor end-of-text. */
#define REST 2

static double sum_of(const float *values, const int32_t *classes, int32_t class, int64_t N, int64_t *count) {
  double sum = 0;
  *count = 0;
  for (int64_t n = 0; n < N; n++) {
    if (classes[n] != class) continue;
    sum += values[n];
    *count += 1;
  }
  return sum;
}

/* mean and count (3) of values and classes (N); the mean of none is 0. */
EXPORT int class_mean(engine *e, float *mean, float *count, const float *values, const int32_t *classes, int64_t N) {
  (void)e;
  for (int32_t class = 0; class < 3; class++) {
    int64_t n;
    double sum = sum_of(values, classes, class, N, &n);
    mean[class] = n > 0 ? (float)(sum / (double)n) : 0;
    count[class] = (float)n;
  }
  return DONE;
}

/* loss, the mean of (std - target)^2, and target, the mean std of class rest, or 1; of std and classes (N). */
EXPORT int std_spread(engine *e, float *loss, float *target, const float *std, const int32_t *classes, int64_t N) {
  (void)e;
  int64_t n;
  double sum = sum_of(std, classes, REST, N, &n), middle = n > 0 ? sum / (double)n : 1, squares = 0;
  for (int64_t i = 0; i < N; i++) squares += (std[i] - middle) * (std[i] - middle);
  *loss = (float)(squares / (double)N);
  *target = (float)middle;
  return DONE;
}

/* dstd (N) = dloss * 2 * (std - target) / N; dloss and target are one value each. */
EXPORT int std_spread_grad(engine *e, float *dstd, const float *dloss, const float *std, const float *target,
                           int64_t N) {
  (void)e;
  double factor = *dloss * 2.0 / (double)N;
  for (int64_t n = 0; n < N; n++) dstd[n] = (float)(factor * ((double)std[n] - *target));
  return DONE;
}
