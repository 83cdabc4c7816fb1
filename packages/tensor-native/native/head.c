#include "head.h"

#include "vector.h"

/* Values of whole rows of logits at once, at most (128 MiB), but always a few rows. */
#define WHOLE (1 << 25)
#define FEW 48

int64_t logits_stride(int64_t V) { return pieces(V, LANES) * LANES; }

int64_t rows_at_once(int64_t N, int64_t V) {
  int64_t room = WHOLE / most(logits_stride(V), 1);
  /* Equal parts, since a short last one would pack all of the head for little. */
  return most(pieces(N, most(pieces(N, most(room, FEW)), 1)), 1);
}

int back_through_head(engine *e, head h, int64_t row, int64_t rows, const float *dlogits, int64_t stride,
                      head_gradients to) {
  const float *x = h.x + row * h.C;
  product dx = {.at = to.dx + row * h.C, .stride = h.C, .add = to.add_dx};
  int code = gemm(e, rows, h.C, h.V, plain(dlogits, stride), plain(h.w, h.C), dx);
  if (code != DONE) return code;
  product dw = {.at = to.dw, .stride = h.C, .add = to.add_dw || row > 0};
  code = gemm(e, h.V, h.C, rows, transposed(dlogits, stride), plain(x, h.C), dw);
  if (code != DONE) return code;
  column_sums(e, to.dbias, dlogits, rows, h.V, stride, to.add_dbias || row > 0);
  return DONE;
}
