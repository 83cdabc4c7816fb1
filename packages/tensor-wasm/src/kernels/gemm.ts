/** The matrix product on the host's side: memory for the packed operands, and how C is cut into tiles. */
import type { Engine } from "../engine.js";
import type { Matrix, Product } from "../product.js";
import { addRows } from "./elementwise.js";
import { flag, ROWS, unitsOf } from "./implementation.js";

/** Columns of a unit of packB (assembly/gemm.ts). */
const PACK_COLUMNS = 64;
/** Rows of A up to which B is not worth packing (assembly/few-rows.ts), and columns of a unit where B is transposed. */
const FEW_ROWS = 4;
const FEW_ROWS_COLUMNS = 256;
/** Otherwise B's rows are cut into at most so many parts, of at least so many values. */
const PARTS = 16;
const PART = 1 << 14;
/** Rows of A that are one tile; and from how many values on a B that is used by one tile alone is packed by it. */
const TILE_ROWS = 96;
const WIDE = 1 << 17;
/** Columns of such a tile: with 256 rows of B that is as much as the second cache keeps beside the rest. */
const TILE_COLUMNS = 256;
/** Floating-point operations a nanosecond, about, of one thread. */
const RATE = 40;

/** Blocks of the summed dimension, as assembly/gemm.ts cuts them. */
function blocksOf(K: number): number {
  const blocks = Math.max(1, Math.ceil(K / 256));
  const length = (Math.ceil(K / blocks) + 7) & ~7;
  return K === 0 ? 0 : Math.ceil(K / length);
}

/** Tiles of C: 96 rows, fewer when there would be too few tiles for the threads. Any choice gives the same bits. */
function tiles(M: number, N: number, threads: number) {
  let rows = TILE_ROWS;
  const across = Math.ceil(N / 512);
  let columns = (Math.ceil(N / across) + 7) & ~7;
  const units = () => Math.ceil(M / rows) * Math.ceil(N / columns);
  const enough = threads === 1 ? 1 : 4 * threads;
  while (units() < enough && rows > 24) rows /= 2;
  while (units() < enough && columns > 64) columns = (columns / 2 + 7) & ~7;
  return { rows, columns, units: units() };
}

/** Packs B for all threads; the pointer is scratch memory. */
export function packB(engine: Engine, b: Matrix, K: number, N: number): number {
  const packed = engine.scratch(K * ((N + 7) & ~7) * 4);
  const units = blocksOf(K) * Math.ceil(N / PACK_COLUMNS);
  engine.run("packB", units, K * N * 0.5, [b.pointer, b.stride * 4, K, N, b.transposed ? 1 : 0, packed]);
  return packed;
}

/** Packs nothing and reads B once. Its rows are cut where that pays; what the parts give is added in order. */
function fewRows(engine: Engine, { M, N, K, a, b, c, add, bias = 0 }: Product): void {
  const matrices = [a.pointer, a.stride * 4, b.pointer, b.stride * 4, c.pointer, c.stride * 4];
  const ints = [...matrices, M, N, K, flag(add), bias];
  const work = N * K * 0.2;
  if (b.transposed) return engine.run("fewRowsDots", unitsOf(N, FEW_ROWS_COLUMNS), work, ints);
  const rows = Math.max(Math.ceil(PART / N), Math.ceil(K / PARTS), 8);
  const parts = Math.max(1, unitsOf(K, rows));
  engine.scoped(() => {
    const partials = parts > 1 ? engine.scratch((parts - 1) * M * N * 4) : 0;
    engine.run("fewRows", parts, work, [...ints, rows, partials]);
    if (parts === 1) return;
    for (let m = 0; m < M; m++) {
      const others = { pointer: partials + m * N * 4, rows: parts - 1, n: N, stride: M * N };
      addRows(engine, others, { pointer: c.pointer + m * c.stride * 4, add: true });
    }
  });
}

/** Of so few rows that every value of B is used by one tile alone, which packs it. */
function packedByTiles(engine: Engine, { M, N, K, a, b, c, add, bias = 0 }: Product): void {
  const length = Math.min(K + 7, 256);
  const ofA = (M + 5) * length * 4;
  const perThread = Math.ceil((ofA + TILE_COLUMNS * length * 4) / 64) * 64;
  engine.scoped(() => {
    const scratch = engine.scratch(perThread * engine.threads);
    engine.run("gemm", unitsOf(N, TILE_COLUMNS), (2 * M * N * K) / RATE, [
      ...[a.pointer, a.stride * 4, flag(a.transposed), 0, c.pointer, c.stride * 4, M, N, K],
      ...[flag(add), bias, TILE_ROWS, TILE_COLUMNS, scratch, perThread],
      ...[b.pointer, b.stride * 4, flag(b.transposed), ofA],
    ]);
  });
}

/** Hands over one product, by the way that suits its shape: few rows, somebody else's, or the packed tiles. */
export function product(engine: Engine, task: Product): void {
  const { M, N, K, a, b, c, add, bias = 0 } = task;
  if (M === 0 || N === 0) return;
  // Memory is the limit here, not arithmetic, and a BLAS that was made for large matrices is slower.
  if (M <= FEW_ROWS && !a.transposed) return fewRows(engine, task);
  if (engine.gemm && K > 0) {
    if (bias) {
      const ints = [c.pointer, c.stride * 4, M, N, bias, add ? 1 : 0];
      engine.run("biasRows", unitsOf(M, ROWS), M * N * 0.2, ints);
    }
    // It computes at once, and may read what jobs before it have not written yet.
    engine.finish();
    engine.gemm({ ...task, add: add || bias !== 0 });
    return;
  }
  // Packed whole B would go through memory twice more.
  if (M <= TILE_ROWS && K * N >= WIDE) return packedByTiles(engine, task);
  engine.scoped(() => {
    const packed = packB(engine, b, K, N);
    const { rows, columns, units } = tiles(M, N, engine.threads);
    const perThread = rows * Math.min(K, 256) * 4;
    const scratch = engine.scratch(perThread * engine.threads);
    engine.run("gemm", units, (2 * M * N * K) / RATE, [
      ...[a.pointer, a.stride * 4, a.transposed ? 1 : 0, packed, c.pointer, c.stride * 4, M, N, K],
      ...[add ? 1 : 0, bias, rows, columns, scratch, perThread],
    ]);
  });
}
