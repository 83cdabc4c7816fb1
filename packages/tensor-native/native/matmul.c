/* Products of stacks of matrices: of large ones one after the other, shared by all threads; of small ones, many at once. */
#include "gemm.h"

#include "vector.h"

/* Operations from which a matrix of a stack is worth sharing; operations of a unit, at least. */
#define LARGE (2.0 * 192 * 192 * 192)
#define UNIT (1 << 17)

typedef struct {
  float *y;
  const float *a, *b;
  int64_t G, M, N, K, step_a, step_b, matrices;
  int transpose_a, transpose_b, add;
  float *room;
  size_t per_thread;
} stack;

static matrix a_of(const stack *t, int64_t g) {
  const float *at = t->a + g * t->step_a;
  return t->transpose_a ? transposed(at, t->M) : plain(at, t->K);
}
static matrix b_of(const stack *t, int64_t g) {
  const float *at = t->b + g * t->step_b;
  return t->transpose_b ? transposed(at, t->K) : plain(at, t->N);
}
static product y_of(const stack *t, int64_t g) {
  return (product){.at = t->y + g * t->M * t->N, .stride = t->N, .add = t->add};
}

static void some(const void *job, int64_t unit, int thread) {
  const stack *t = job;
  int64_t end = least((unit + 1) * t->matrices, t->G);
  for (int64_t g = unit * t->matrices; g < end; g++)
    gemm_alone(t->room + (size_t)thread * t->per_thread, t->M, t->N, t->K, a_of(t, g), b_of(t, g), y_of(t, g));
}

/*
 * y (G,M,N) (+)= a (G,M,K) . b (G,K,N), each transposed where it says so; a step of 0 repeats one matrix for all of G.
 */
EXPORT int matmul(engine *e, float *y, const float *a, const float *b, int64_t G, int64_t M, int64_t N, int64_t K,
                  int64_t step_a, int64_t step_b, int transpose_a, int transpose_b, int add) {
  /* The rows of a whole stack on one matrix are those of one product. */
  if (step_b == 0 && step_a != 0 && !transpose_a) {
    M *= G;
    G = 1;
  }
  stack t = {y, a, b, G, M, N, K, step_a, step_b, 1, transpose_a, transpose_b, add, NULL, 0};
  double operations = 2.0 * M * N * K;
  if (G == 1 || operations >= LARGE) {
    int code = DONE;
    for (int64_t g = 0; g < G && code == DONE; g++) code = done(e, gemm(e, M, N, K, a_of(&t, g), b_of(&t, g), y_of(&t, g)));
    return code;
  }
  t.matrices = most(1, (int64_t)(UNIT / most((int64_t)operations, 1)));
  t.per_thread = room_alone(M, N, K);
  SCRATCH(float, room, e, t.per_thread * (size_t)threads_of(e));
  t.room = room;
  share(e, pieces(G, t.matrices), G * operations * .02, some, &t);
  return done(e, DONE);
}
