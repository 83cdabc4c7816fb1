/** The head and its loss in chunks of the vocabulary (and, backward, of rows): no (rows,V) matrix is ever whole. */
import { rowsOf } from "@normless/tensor";
import type { Engine } from "../engine.js";
import { checkIds } from "./checks.js";
import { packB, product } from "./gemm.js";
import { CHUNK, flag, type Implementation, type Operand, unitsOf } from "./implementation.js";
import { SUM_COLUMNS } from "./linear.js";

/** Rows of a unit, columns of a tile of logits (assembly/cross-entropy.ts). */
const BLOCK = 48;
const TILE = 512;
/** Ids whose weights are packed at once: a multiple of TILE. */
const IDS = 8192;
/** Values of dlogits in the making, at most (64 MiB), and whole blocks of rows. */
const DLOGITS = 1 << 24;

/** Runs `phase` over the vocabulary in chunks of packed weights. `rest` follows the bias among the job's arguments. */
function overVocabulary(
  engine: Engine,
  phase: "crossEntropyChunk" | "crossEntropyExp",
  { x, w, bias }: { x: { pointer: number; rows: number }; w: Operand; bias: Operand | undefined },
  rest: readonly number[],
): void {
  const [V, C] = w.shape as [number, number];
  for (let first = 0; first < V; first += IDS) {
    const width = Math.min(IDS, V - first);
    engine.scoped(() => {
      const stored = { pointer: w.pointer + first * C * 4, stride: C, transposed: true };
      const packed = packB(engine, stored, C, width);
      engine.run(phase, unitsOf(x.rows, BLOCK), x.rows * width * (C / 20 + 1), [
        ...[x.pointer, x.rows, C, packed, width, first, bias ? bias.pointer + first * 4 : 0, ...rest],
      ]);
    });
  }
}

export const linearCrossEntropy: Implementation<"linearCrossEntropy"> = {
  check: (engine, { w, targets }) => checkIds(engine, "linearCrossEntropy", "targets", targets, w.shape[0]),
  run(engine, { x, w, bias, targets }, _attributes, { loss }) {
    const rows = rowsOf(x.shape);
    const [maxima, sums, hits] = [1, 2, 3].map(() => engine.scratch(rows * 4));
    const perThread = BLOCK * TILE * 4;
    const tile = engine.scratch(perThread * engine.threads);
    const running = [maxima, sums, hits];
    overVocabulary(engine, "crossEntropyChunk", { x: { pointer: x.pointer, rows }, w, bias }, [
      ...[targets.pointer, ...running, tile, perThread],
    ]);
    engine.run("crossEntropyEnd", 1, 0, [...running, loss.pointer, rows]);
  },
};

export const linearCrossEntropyGrad: Implementation<"linearCrossEntropyGrad"> = {
  accumulates: true,
  check: (engine, { w, targets }) =>
    checkIds(engine, "linearCrossEntropyGrad", "targets", targets, w.shape[0]),
  run(engine, { dloss, x, w, bias, targets }, _attributes, { loss, dx, dw, dbias }) {
    const N = rowsOf(x.shape);
    const [V, C] = w.shape as [number, number];
    const ld = (V + 7) & ~7;
    const tiles = Math.ceil(V / TILE);
    const most = Math.min(N, Math.max(1, Math.floor(DLOGITS / ld / BLOCK)) * BLOCK);
    const dlogits = engine.scratch(most * ld * 4);
    const largest = engine.scratch(most * tiles * 4);
    const running = [1, 2, 3].map(() => engine.scratch(most * 4));
    const losses = loss.add ? engine.scratch(most * 4) : 0;
    for (let row = 0; row < N; row += most) {
      const rows = Math.min(most, N - row);
      const xRows = { pointer: x.pointer + row * C * 4, stride: C };
      const [target, weight] = [targets.pointer + row * 4, dloss.pointer + row * 4];
      const lossAt = loss.pointer + row * 4;
      overVocabulary(engine, "crossEntropyExp", { x: { ...xRows, rows }, w, bias }, [
        ...[target, ...running, dlogits, ld, largest, tiles],
      ]);
      engine.run("crossEntropyGradient", unitsOf(rows, BLOCK), rows * V * 0.3, [
        ...[dlogits, ld, rows, V, largest, tiles, ...running, target, weight, losses || lossAt],
      ]);
      if (losses) engine.run("add", unitsOf(rows, CHUNK), rows * 0.3, [lossAt, losses, lossAt, rows]);
      product(engine, {
        ...{ M: rows, N: C, K: V, add: dx.add },
        a: { pointer: dlogits, stride: ld },
        b: { pointer: w.pointer, stride: C },
        c: { pointer: dx.pointer + row * C * 4, stride: C },
      });
      product(engine, {
        ...{ M: V, N: C, K: rows, add: dw.add || row > 0 },
        a: { pointer: dlogits, stride: ld, transposed: true },
        b: xRows,
        c: { pointer: dw.pointer, stride: C },
      });
      engine.run("columnSums", unitsOf(V, SUM_COLUMNS), rows * V * 0.2, [
        ...[dlogits, ld, dbias.pointer, rows, V, flag(dbias.add || row > 0)],
      ]);
    }
  },
};
