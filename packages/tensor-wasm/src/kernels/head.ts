/** The language-model head where whole rows of logits are made: room for them, their product, and the way back. */
import type { Engine } from "../engine.js";
import { product } from "./gemm.js";
import { flag, type Operand, type Result, unitsOf } from "./implementation.js";
import { SUM_COLUMNS } from "./linear.js";

/** Rows of a unit (assembly/cross-entropy.ts, assembly/kl-divergence.ts). */
export const BLOCK = 48;
/** Columns of a tile of logits there. */
export const TILE = 512;
/** Ids whose weights are packed at once: a multiple of TILE. */
export const IDS = 8192;
/** Values of whole rows of logits in the making, at most (64 MiB), but always a block of rows. */
const WHOLE = 1 << 24;

/** Floats from one row of V logits to the next, and how many of N rows go through the head at once. */
export function wholeRows(N: number, V: number): { readonly ld: number; readonly most: number } {
  const ld = (V + 7) & ~7;
  return { ld, most: Math.max(1, Math.min(N, Math.max(1, Math.floor(WHOLE / ld / BLOCK)) * BLOCK)) };
}

/** Calls `body` for N rows, `most` at a time; once where there are none, whose gradients are zeros. */
export function overRows(N: number, most: number, body: (row: number, rows: number) => void): void {
  for (let row = 0; row === 0 || row < N; row += most) body(row, Math.min(most, N - row));
}

/** Some rows of what a head reads, and the head. */
export interface HeadRows {
  /** Pointer to the rows of C floats. */
  readonly x: number;
  readonly rows: number;
  readonly w: Operand;
  readonly bias?: Operand | undefined;
}

/** Calls `body` for all ids, first to first + ids, in chunks of IDS. */
function overIds(V: number, body: (first: number, ids: number) => void): void {
  for (let first = 0; first < V; first += IDS) body(first, Math.min(IDS, V - first));
}

/** x·wᵀ + bias into rows of `ld` floats. */
export function logitsOf(engine: Engine, { x, rows, w, bias }: HeadRows, to: number, ld: number): void {
  const [V, C] = w.shape as [number, number];
  overIds(V, (first, ids) => {
    product(engine, {
      ...{ M: rows, N: ids, K: C, add: false, bias: bias ? bias.pointer + first * 4 : 0 },
      a: { pointer: x, stride: C },
      b: { pointer: w.pointer + first * C * 4, stride: C, transposed: true },
      c: { pointer: to + first * 4, stride: ld },
    });
  });
}

/** What dlogits, in rows of `ld` floats, give to the gradients; `row` is the first of these rows among all. */
export function headGradients(
  engine: Engine,
  { x, rows, w }: HeadRows,
  { dlogits, ld, row }: { readonly dlogits: number; readonly ld: number; readonly row: number },
  { dx, dw, dbias }: Readonly<Record<"dx" | "dw" | "dbias", Result>>,
): void {
  const [V, C] = w.shape as [number, number];
  overIds(V, (first, ids) => {
    const some = { pointer: dlogits + first * 4, stride: ld };
    product(engine, {
      ...{ M: rows, N: C, K: ids, add: dx.add || first > 0 },
      a: some,
      b: { pointer: w.pointer + first * C * 4, stride: C },
      c: { pointer: dx.pointer + row * C * 4, stride: C },
    });
    product(engine, {
      ...{ M: ids, N: C, K: rows, add: dw.add || row > 0 },
      a: { ...some, transposed: true },
      b: { pointer: x, stride: C },
      c: { pointer: dw.pointer + first * C * 4, stride: C },
    });
  });
  engine.run("columnSums", unitsOf(V, SUM_COLUMNS), rows * V * 0.2, [
    ...[dlogits, ld, dbias.pointer, rows, V, flag(dbias.add || row > 0)],
  ]);
}
