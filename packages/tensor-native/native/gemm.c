/*
 * Matrix products, as BLIS has them (Van Zee & van de Geijn 2015): blocks of B (KC,NC) and of A (MC,KC) are packed, in panels
 * of as many columns and rows as the micro-kernel has in registers, which then reads both in a row. Both are packed by all
 * threads, once; then threads take tiles of C.
 */
#include "gemm.h"

#include "few-rows.h"
#include "vector.h"

/* Rows and vectors of a micro-tile: as many as registers hold. */
#if LANES == 16
#define MR 12
#define NV 2
#elif LANES == 8
#define MR 6
#define NV 2
#else
#define MR 8
#define NV 3
#endif
#define NR (NV * LANES)

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

/* Tiles for each thread, at least. */
#ifndef ENOUGH
#define ENOUGH 16
#endif

/* Rows of C from a micro-kernel: acc = A panel · B panel over kc, then C (+)= acc + bias. */
#define MICRO(ROWS)                                                                                               \
  static void micro_##ROWS(int64_t kc, const float *restrict a, const float *restrict b, float *restrict c,       \
                           int64_t stride, bool add, const float *bias) {                                         \
    vec acc[ROWS][NV];                                                                                            \
    _Pragma("GCC unroll 16") for (int i = 0; i < ROWS; i++)                                                       \
    _Pragma("GCC unroll 4") for (int v = 0; v < NV; v++) {                                                        \
      acc[i][v] = (vec){0};                                                                                       \
      __builtin_prefetch(c + i * stride + v * LANES, 1);                                                          \
    }                                                                                                             \
    for (int64_t k = 0; k < kc; k++) {                                                                            \
      vec bk[NV];                                                                                                 \
      _Pragma("GCC unroll 4") for (int v = 0; v < NV; v++) bk[v] = *(const vec *)(b + v * LANES);                 \
      _Pragma("GCC unroll 16") for (int i = 0; i < ROWS; i++) {                                                   \
        vec ai = splat(a[i]);                                                                                     \
        _Pragma("GCC unroll 4") for (int v = 0; v < NV; v++) acc[i][v] += ai * bk[v];                             \
      }                                                                                                           \
      a += ROWS;                                                                                                  \
      b += NR;                                                                                                    \
    }                                                                                                             \
    _Pragma("GCC unroll 16") for (int i = 0; i < ROWS; i++)                                                       \
    _Pragma("GCC unroll 4") for (int v = 0; v < NV; v++) {                                                        \
      float *to = c + i * stride + v * LANES;                                                                     \
      vec sum = acc[i][v];                                                                                        \
      if (bias) sum += load(bias + v * LANES);                                                                    \
      if (add) sum += load(to);                                                                                   \
      store(to, sum);                                                                                             \
    }                                                                                                             \
  }

MICRO(4)
#if MR == 6
MICRO(6)
#endif
#if MR >= 8
MICRO(8)
#endif
#if MR >= 12
MICRO(12)
#endif

typedef void micro(int64_t kc, const float *a, const float *b, float *c, int64_t stride, bool add, const float *bias);

static micro *micro_of(int64_t rows) {
  switch (rows) {
#if MR >= 12
    case 12: return micro_12;
#endif
#if MR >= 8
    case 8: return micro_8;
#endif
#if MR == 6
    case 6: return micro_6;
#endif
    default: return micro_4;
  }
}

/* How M rows go into panels: of MR up to `main`, then of `tail`, so that few rows of the last one are empty. */
typedef struct {
  int64_t rows, main, tail;
} panels;

static panels panels_of(int64_t M) {
  int64_t whole = M / MR * MR, rest = M - whole;
  if (rest == 0) return (panels){M, M, MR};
#if MR == 12
  if (rest <= 4 && whole) return (panels){M, whole - MR, 8};
  return (panels){M, whole, rest <= 4 ? 4 : rest <= 8 ? 8 : MR};
#elif MR == 6
  if (rest <= 2 && whole) return (panels){M, whole - MR, 4};
  return (panels){M, whole, rest <= 4 ? 4 : MR};
#else
  return (panels){M, whole, rest <= 4 ? 4 : MR};
#endif
}

INLINE int64_t height(panels p, int64_t row) { return row < p.main ? MR : p.tail; }
/* The first panel at or after a row. */
INLINE int64_t first_panel(panels p, int64_t row) {
  if (row <= p.main) return least(pieces(row, MR) * MR, p.main);
  return p.main + pieces(row - p.main, p.tail) * p.tail;
}

typedef float quad __attribute__((vector_size(16)));
typedef float loose_quad __attribute__((vector_size(16), aligned(4), may_alias));

/* Four rows of four values become columns: to[j * step + i] = from[i * stride + j]. */
INLINE void turn(const float *from, int64_t stride, float *to, int64_t step) {
  quad a = *(const loose_quad *)from, b = *(const loose_quad *)(from + stride);
  quad c = *(const loose_quad *)(from + 2 * stride), d = *(const loose_quad *)(from + 3 * stride);
  quad ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), ba = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  quad cd = __builtin_shufflevector(c, d, 0, 4, 1, 5), dc = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  *(loose_quad *)to = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
  *(loose_quad *)(to + step) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
  *(loose_quad *)(to + 2 * step) = __builtin_shufflevector(ba, dc, 0, 1, 4, 5);
  *(loose_quad *)(to + 3 * step) = __builtin_shufflevector(ba, dc, 2, 3, 6, 7);
}

/* to[k * width + i] = from[i * stride + k], for `lines` of `width` lines; the others are zeros. width is a multiple of 4 or 6. */
static void pack_lines(const float *from, int64_t stride, int64_t lines, int64_t width, int64_t kc, float *to) {
  int64_t i = 0;
  for (; i + 4 <= lines; i += 4) {
    int64_t k = 0;
    for (; k + 4 <= kc; k += 4) turn(from + i * stride + k, stride, to + k * width + i, width);
    for (; k < kc; k++)
      for (int64_t j = i; j < i + 4; j++) to[k * width + j] = from[j * stride + k];
  }
  for (; i < width; i++)
    for (int64_t k = 0; k < kc; k++) to[k * width + i] = i < lines ? from[i * stride + k] : 0;
}

/* to[k * width + i] = from[k * stride + i] for i < count, else 0. */
INLINE void copy_row(const float *from, int64_t count, float *to, int64_t width) {
  if (count >= width) memcpy(to, from, (size_t)width * 4);
  else
    for (int64_t i = 0; i < width; i++) to[i] = i < count ? from[i] : 0;
}

typedef struct {
  matrix a, b;
  product c;
  float *packed_a, *packed_b;
  /* The block in force: where it begins, and its sizes; the panels of its rows. */
  int64_t m, n, k, mc, nc, kc;
  panels rows;
  int64_t units_b, tiles_m;
  /* Rows and columns of a tile. */
  int64_t tm, tn;
  bool first, last;
} block;

/* Panels that are packed as one unit. */
#define TOGETHER 8

static void pack_b(const block *t, int64_t unit) {
  matrix b = t->b;
  int64_t begin = unit * TOGETHER * NR, end = least(begin + TOGETHER * NR, t->nc);
  const float *from = b.at + t->k * b.row + t->n * b.column;
  float *to = t->packed_b + begin * t->kc;
  if (b.column == 1) {
    for (int64_t k = 0; k < t->kc; k++)
      for (int64_t j = begin; j < end; j += NR)
        copy_row(from + k * b.row + j, end - j, to + (j - begin) * t->kc + k * NR, NR);
  } else {
    for (int64_t j = begin; j < end; j += NR)
      pack_lines(from + j * b.column, b.column, least(NR, end - j), NR, t->kc, to + (j - begin) * t->kc);
  }
}

static void pack_a(const block *t, int64_t unit) {
  matrix a = t->a;
  int64_t begin = first_panel(t->rows, unit * TM), end = least(first_panel(t->rows, (unit + 1) * TM), t->mc);
  const float *from = a.at + t->m * a.row + t->k * a.column;
  if (a.row == 1) {
    for (int64_t k = 0; k < t->kc; k++)
      for (int64_t i = begin; i < end; i += height(t->rows, i)) {
        int64_t h = height(t->rows, i);
        copy_row(from + k * a.column + i, t->mc - i, t->packed_a + i * t->kc + k * h, h);
      }
  } else {
    for (int64_t i = begin; i < end; i += height(t->rows, i)) {
      int64_t h = height(t->rows, i);
      pack_lines(from + i * a.row, a.row, least(h, t->mc - i), h, t->kc, t->packed_a + i * t->kc);
    }
  }
}

static void pack(const void *job, int64_t unit, int thread) {
  (void)thread;
  const block *t = job;
  if (unit < t->units_b) pack_b(t, unit);
  else pack_a(t, unit - t->units_b);
}

static void tile(const void *job, int64_t unit, int thread) {
  (void)thread;
  const block *t = job;
  product c = t->c;
  _Alignas(64) float edge[MR * NR];
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
      const float *a = t->packed_a + i * t->kc;
      float *to = c.at + (t->m + i) * c.stride + t->n + j;
      if (rows == h && columns == NR) {
        micro_of(h)(t->kc, a, b, to, c.stride, add, bias);
      } else {
        micro_of(h)(t->kc, a, b, edge, NR, false, NULL);
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
    else if (t->tn > 4 * NR && !t->c.finish) t->tn /= 2;
    else if (t->tm > 2 * MR) t->tm /= 2;
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
        t.units_b = t.m == 0 ? pieces(t.nc, TOGETHER * NR) : 0;
        bool packed = M <= s.mc && K <= s.kc && t.n > 0;
        double values = (t.units_b ? t.nc : 0) + (packed ? 0 : t.mc);
        share(e, t.units_b + (packed ? 0 : pieces(t.mc, TM)), values * t.kc * .2, pack, &t);
        share(e, t.tiles_m * pieces(t.nc, t.tn), (double)t.mc * t.nc * t.kc * .012, tile, &t);
      }
    }
  }
}

int gemm(engine *e, int64_t M, int64_t N, int64_t K, matrix a, matrix b, product c) {
  if (M == 0 || N == 0) return DONE;
  if (M <= FEW_ROWS && a.column == 1) return few_rows(e, M, N, K, a, b, c);
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
