/*
 * Matrix products, as BLIS has them (Van Zee & van de Geijn 2015): blocks of B (KC,NC) and of A (MC,KC) are packed, in panels
 * of as many columns and rows as the micro-kernel has in registers, which then reads both in a row. Both are packed by all
 * threads, once; then threads take tiles of C.
 */
#include "gemm.h"

#include "bfloat16.h"
#include "few-rows.h"
#include "panel.h"

/* The most of K, M and N that is packed at once, and of M and N in a tile. */
#ifndef KC
#define KC 384
#endif
#ifndef MC
#define MC 3072
#endif
#ifndef NC
#define NC 6144
#endif
#ifndef TM
#define TM 96
#endif
#ifndef TN
#define TN TILE_COLUMNS
#endif

_Static_assert(TN % NR == 0, "a tile begins where a panel does");

/* Columns of B up to which packing A does not pay. */
#ifndef DIRECT
#define DIRECT 512
#endif
#ifndef DIRECT_T
#define DIRECT_T 512
#endif

/* Tiles for each thread, at least. */
#ifndef ENOUGH
#define ENOUGH 16
#endif

typedef struct {
  matrix a, b;
  product c;
  float *packed_a, *packed_b;
  /* The block in force: where it begins, and its sizes; the panels of its rows. */
  int64_t m, n, k, mc, nc, kc;
  panels rows;
  int64_t units_b, tiles_m;
  /* Columns of B that are packed as one unit. */
  int64_t together;
  /* Rows and columns of a tile. */
  int64_t tm, tn;
  bool first, last;
  /* A is read where it lies. */
  bool direct;
} block;

/* Rows of B that are fetched before they are packed: the processor does not guess where the next one is. */
#define AHEAD 8

/* B's columns from `begin` to `end` of the block. */
static void pack_columns(const block *t, int64_t begin, int64_t end) {
  matrix b = t->b;
  const float *from = b.at + t->k * b.row + t->n * b.column;
  float *to = t->packed_b + begin * t->kc;
  if (b.column == 1) {
    for (int64_t k = 0; k < t->kc; k++)
      for (int64_t j = begin; j < end; j += NR) {
        if (k + AHEAD < t->kc)
          for (int64_t line = 0; line < NR; line += 16) __builtin_prefetch(from + (k + AHEAD) * b.row + j + line);
        copy_row(from + k * b.row + j, end - j, to + (j - begin) * t->kc + k * NR, NR);
      }
  } else {
    for (int64_t j = begin; j < end; j += NR)
      pack_lines(from + j * b.column, b.column, least(NR, end - j), NR, t->kc, to + (j - begin) * t->kc);
  }
}

/* The panel that begins at row i of the block, to `to`: what is missing of its height is zeros. */
static void pack_rows(const block *t, int64_t i, float *to) {
  matrix a = t->a;
  const float *from = a.at + (t->m + i) * a.row + t->k * a.column;
  int64_t h = height(t->rows, i), rows = least(h, t->mc - i);
  if (a.row != 1) {
    if (h == MR) pack_lines(from, a.row, rows, MR, t->kc, to);
    else pack_lines(from, a.row, rows, h, t->kc, to);
  } else {
    for (int64_t k = 0; k < t->kc; k++)
      if (h == MR) copy_row(from + k * a.column, rows, to + k * MR, MR);
      else copy_row(from + k * a.column, rows, to + k * h, h);
  }
}

static void pack_a(const block *t, int64_t unit) {
  int64_t end = least(first_panel(t->rows, (unit + 1) * TM), t->mc);
  for (int64_t i = first_panel(t->rows, unit * TM); i < end; i += height(t->rows, i))
    pack_rows(t, i, t->packed_a + i * t->kc);
}

static void pack(const void *job, int64_t unit, int thread) {
  (void)thread;
  const block *t = job;
  if (unit >= t->units_b) pack_a(t, unit - t->units_b);
  else pack_columns(t, unit * t->together, least((unit + 1) * t->together, t->nc));
}

static void tile(const void *job, int64_t unit, int thread) {
  (void)thread;
  const block *t = job;
  product c = t->c;
  _Alignas(64) float edge[MR * NR], last_rows[MR * KC];
  int64_t begin = first_panel(t->rows, unit % t->tiles_m * t->tm);
  int64_t end = least(first_panel(t->rows, (unit % t->tiles_m + 1) * t->tm), t->mc);
  int64_t left = unit / t->tiles_m * t->tn, right = least(left + t->tn, t->nc);
  bool add = c.add || !t->first;
  for (int64_t j = left; j < right; j += NR) {
    const float *b = t->packed_b + j * t->kc;
    const float *bias = t->last && c.bias ? c.bias + t->n + j : NULL;
    int64_t columns = least(NR, right - j);
    for (int64_t i = begin, h; i < end; i += h) {
      h = height(t->rows, i);
      int64_t rows = least(h, t->mc - i);
      bool direct = t->direct && rows == h;
      const float *a = t->packed_a + i * t->kc;
      if (direct) a = t->a.at + (t->m + i) * t->a.row + t->k * t->a.column;
      else if (t->direct) {
        if (j == left) pack_rows(t, i, last_rows);
        a = last_rows;
      }
      int64_t stride_a = !direct ? h : t->a.row == 1 ? t->a.column : t->a.row;
      micro *kernel = micro_of(h, direct && t->a.row != 1);
      float *to = c.at + (t->m + i) * c.stride + t->n + j;
      if (rows == h && columns == NR) {
        kernel(t->kc, a, stride_a, b, to, c.stride, add, bias);
      } else {
        kernel(t->kc, a, stride_a, b, edge, NR, false, NULL);
        for (int64_t y = 0; y < rows; y++)
          for (int64_t x = 0; x < columns; x++) {
            float sum = edge[y * NR + x] + (bias ? bias[x] : 0);
            to[y * c.stride + x] = add ? to[y * c.stride + x] + sum : sum;
          }
      }
    }
  }
  if (!t->last || !c.finish) return;
  int64_t row = t->m + begin, column = t->n + left;
  c.finish(c.with, c.at + row * c.stride + column, c.stride, row, column, least(end, t->mc) - begin, right - left);
}

/* Equal parts of n, none larger than `limit`; a multiple of `of`. */
static int64_t part(int64_t n, int64_t limit, int64_t of) {
  int64_t parts = pieces(n, limit);
  return parts <= 1 ? n : pieces(pieces(n, parts), of) * of;
}

/* Smaller tiles where there would be too few of them for the threads. Any choice gives the same bits. */
static void cut_tiles(block *t, int threads) {
  t->tm = TM;
  t->tn = TN;
  int64_t enough = threads == 1 ? 1 : ENOUGH * threads;
  while (pieces(t->mc, t->tm) * pieces(t->nc, t->tn) < enough) {
    if (t->tm > 2 * MR && t->tm * 4 > t->tn) t->tm /= 2;
    else if (t->tn > 2 * NR && !t->c.finish) t->tn /= 2;
    else if (t->tm > MR) t->tm /= 2;
    else break;
  }
  t->tiles_m = pieces(t->mc, t->tm);
}

/* Sizes of the blocks that a product is packed in. */
typedef struct {
  int64_t mc, nc, kc;
} blocks;

static blocks blocks_of(int64_t M, int64_t N, int64_t K) {
  return (blocks){part(M, MC, TM), part(N, NC, TN), most(part(K, KC, 4), 1)};
}

static size_t room_a(blocks s) { return (size_t)((s.mc + MR) * s.kc); }
static size_t room_b(blocks s) { return (size_t)(pieces(s.nc, NR) * NR * s.kc); }

/* By an engine's threads, or by this one alone where there is no engine. */
static void multiply(engine *e, int64_t M, int64_t N, int64_t K, block t) {
  blocks s = blocks_of(M, N, K);
  t.direct = t.a.column == 1 ? N <= DIRECT : N <= DIRECT_T;
  for (t.n = 0; t.n < N; t.n += s.nc) {
    t.nc = least(s.nc, N - t.n);
    for (t.k = 0; t.k == 0 || t.k < K; t.k += s.kc) {
      t.kc = least(s.kc, K - t.k);
      t.first = t.k == 0;
      t.last = t.k + s.kc >= K;
      for (t.m = 0; t.m < M; t.m += s.mc) {
        t.mc = least(s.mc, M - t.m);
        t.rows = panels_of(t.mc);
        cut_tiles(&t, e ? threads_of(e) : 1);
        t.together = least(8, most(pieces(t.nc, NR) / (e ? 4 * threads_of(e) : 1), 1)) * NR;
        t.units_b = t.m == 0 ? pieces(t.nc, t.together) : 0;
        bool packed = t.direct || (M <= s.mc && K <= s.kc && t.n > 0);
        double values = (t.units_b ? t.nc : 0) + (packed ? 0 : t.mc);
        share(e, t.units_b + (packed ? 0 : pieces(t.mc, TM)), values * t.kc * .2, pack, &t);
        share(e, t.tiles_m * pieces(t.nc, t.tn), (double)t.mc * t.nc * t.kc * .012, tile, &t);
      }
    }
  }
}

/*
 * Where all of A is near enough, a unit is a strip of B's columns: it packs a block of them into memory of its thread, which
 * stays near, too, and multiplies it by all of A; no thread waits for another between blocks. The bits are the same.
 */
typedef struct {
  block of;
  int64_t N, K, kc, floats;
} strips;

/* The block of K that begins at k. */
static void begin_block(const strips *s, block *t, int64_t k) {
  t->k = k;
  t->kc = least(s->kc, s->K - k);
  t->first = k == 0;
  t->last = k + s->kc >= s->K;
  t->packed_a = s->of.packed_a + k * (t->mc + MR);
}

static void pack_a_of_strips(const void *job, int64_t unit, int thread) {
  (void)thread;
  const strips *s = job;
  block t = s->of;
  begin_block(s, &t, unit / t.tiles_m * s->kc);
  pack_a(&t, unit % t.tiles_m);
}

static void strip(const void *job, int64_t unit, int thread) {
  const strips *s = job;
  block t = s->of;
  t.n = unit * t.tn;
  t.nc = least(t.tn, s->N - t.n);
  t.packed_b += thread * s->floats;
  t.tm = t.mc;
  t.tiles_m = 1;
  for (int64_t k = 0; k == 0 || k < s->K; k += s->kc) {
    begin_block(s, &t, k);
    pack_columns(&t, 0, t.nc);
    tile(&t, 0, thread);
  }
}

/* The most of M and K that is near, and columns of a strip, where there are enough for two. */
#define NEAR_M 512
#define NEAR_K 4096
#define STRIP 128

static bool in_strips(int64_t M, int64_t N, int64_t K) { return M <= NEAR_M && K <= NEAR_K && N >= 4 * NR; }

static int multiply_strips(engine *e, int64_t M, int64_t N, int64_t K, block t) {
  int64_t kc = blocks_of(M, N, K).kc, enough = 6 * threads_of(e);
  t.mc = M;
  t.rows = panels_of(M);
  t.tiles_m = pieces(M, TM);
  t.tn = TN;
  while (!t.c.finish && t.tn > (N >= 2 * STRIP ? STRIP : NR) && pieces(N, t.tn) < enough) t.tn /= 2;
  t.direct = N <= (t.a.column == 1 ? DIRECT : DIRECT_T);
  SCRATCH(float, packed_a, e, t.direct ? 1 : (M + MR) * pieces(K, kc) * kc);
  SCRATCH(float, packed_b, e, threads_of(e) * t.tn * kc);
  t.packed_a = packed_a;
  t.packed_b = packed_b;
  strips s = {t, N, K, kc, t.tn * kc};
  if (!t.direct) share(e, t.tiles_m * pieces(K, kc), (double)M * K * .2, pack_a_of_strips, &s);
  share(e, pieces(N, t.tn), (double)M * N * K * .012, strip, &s);
  return DONE;
}

int gemm(engine *e, int64_t M, int64_t N, int64_t K, matrix a, matrix b, product c) {
  if (M == 0 || N == 0) return DONE;
  if (M <= FEW_ROWS && a.column == 1) return few_rows(e, M, N, K, a, b, c);
  if (b.half) {
    SCRATCH(float, room, e, K * N);
    b = widened(e, b, K, N, room);
  }
  if (in_strips(M, N, K)) return multiply_strips(e, M, N, K, (block){.a = a, .b = b, .c = c});
  blocks s = blocks_of(M, N, K);
  SCRATCH(float, packed_a, e, room_a(s));
  SCRATCH(float, packed_b, e, room_b(s));
  multiply(e, M, N, K, (block){.a = a, .b = b, .c = c, .packed_a = packed_a, .packed_b = packed_b});
  return DONE;
}

size_t room_alone(int64_t M, int64_t N, int64_t K) {
  blocks s = blocks_of(M, N, K);
  return (room_a(s) + room_b(s) + 31) / 16 * 16;
}

void gemm_alone(float *room, int64_t M, int64_t N, int64_t K, matrix a, matrix b, product c) {
  if (M == 0 || N == 0) return;
  size_t after_a = (room_a(blocks_of(M, N, K)) + 15) / 16 * 16;
  multiply(NULL, M, N, K, (block){.a = a, .b = b, .c = c, .packed_a = room, .packed_b = room + after_a});
}
