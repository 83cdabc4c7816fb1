/** The head and its loss in chunks of the vocabulary (and, backward, of rows): no (rows,V) matrix is ever whole. */
import { rowsOf } from "@normless/tensor";
import { checkIds } from "./checks.js";
import { packB, product } from "./gemm.js";
import { flag, type Implementation, unitsOf } from "./implementation.js";
import { SUM_COLUMNS } from "./linear.js";

/** Rows of a unit, columns of a tile of logits (assembly/cross-entropy.ts). */
const BLOCK = 48;
const TILE = 512;
/** Ids of a chunk whose weights are packed at once. */
const FORWARD_IDS = 8192;
/** dlogits in the making: rows × ids. */
const BACKWARD_IDS = 2048;
const BACKWARD_ROWS = 1024;

export const linearCrossEntropy: Implementation<"linearCrossEntropy"> = {
  check: (engine, { w, targets }) => checkIds(engine, "linearCrossEntropy", "targets", targets, w.shape[0]),
  run(engine, { x, w, bias, targets }, _attributes, { loss, lse }) {
    const N = rowsOf(x.shape);
    const [V, C] = w.shape as [number, number];
    const hits = engine.scratch(N * 4);
    const perThread = BLOCK * TILE * 4;
    const tile = engine.scratch(perThread * engine.threads);
    for (let first = 0; first < V; first += FORWARD_IDS) {
      const width = Math.min(FORWARD_IDS, V - first);
      engine.scoped(() => {
        const stored = { pointer: w.pointer + first * C * 4, stride: C, transposed: true };
        const packed = packB(engine, stored, C, width);
        engine.run("crossEntropyChunk", unitsOf(N, BLOCK), N * width * (C / 20 + 1), [
          ...[x.pointer, N, C, packed, width, first, bias ? bias.pointer + first * 4 : 0, targets.pointer],
          ...[loss.pointer, lse.pointer, hits, flag(first === 0), tile, perThread],
        ]);
      });
    }
    engine.run("crossEntropyEnd", 1, 0, [loss.pointer, lse.pointer, hits, N]);
  },
};

export const linearCrossEntropyGrad: Implementation<"linearCrossEntropyGrad"> = {
  accumulates: true,
  check: (engine, { w, targets }) =>
    checkIds(engine, "linearCrossEntropyGrad", "targets", targets, w.shape[0]),
  run(engine, { dloss, x, w, bias, targets, lse }, _attributes, { dx, dw, dbias }) {
    const N = rowsOf(x.shape);
    const [V, C] = w.shape as [number, number];
    const dlogits = engine.scratch(Math.min(BACKWARD_ROWS, N) * Math.min(BACKWARD_IDS, V) * 4);
    for (let first = 0; first < V; first += BACKWARD_IDS) {
      const width = Math.min(BACKWARD_IDS, V - first);
      const stored = { pointer: w.pointer + first * C * 4, stride: C };
      engine.scoped(() => {
        const packed = packB(engine, { ...stored, transposed: true }, C, width);
        for (let row = 0; row < N; row += BACKWARD_ROWS) {
          const rows = Math.min(BACKWARD_ROWS, N - row);
          const xRows = { pointer: x.pointer + row * C * 4, stride: C };
          engine.run("crossEntropyGradChunk", unitsOf(rows, BLOCK), rows * width * (C / 20 + 1), [
            ...[xRows.pointer, rows, C, packed, width, first, bias ? bias.pointer + first * 4 : 0],
            ...[targets.pointer + row * 4, dloss.pointer + row * 4, lse.pointer + row * 4, dlogits],
          ]);
          product(engine, {
            ...{ M: rows, N: C, K: width, add: dx.add || first > 0 },
            a: { pointer: dlogits, stride: width },
            b: stored,
            c: { pointer: dx.pointer + row * C * 4, stride: C },
          });
          product(engine, {
            ...{ M: width, N: C, K: rows, add: dw.add || row > 0 },
            a: { pointer: dlogits, stride: width, transposed: true },
            b: xRows,
            c: { pointer: dw.pointer + first * C * 4, stride: C },
          });
          const to = dbias.pointer + first * 4;
          engine.run("columnSums", unitsOf(width, SUM_COLUMNS), rows * width * 0.2, [
            ...[dlogits, width, to, rows, width, flag(dbias.add || row > 0)],
          ]);
        }
      });
    }
  },
};
