/** The head and its loss in chunks of the vocabulary (and, backward, of rows): no (rows,V) matrix is ever whole. */
import { rowsOf } from "@normless/tensor";
import type { Engine } from "../engine.js";
import { checkIds } from "./checks.js";
import { packB } from "./gemm.js";
import { BLOCK, headGradients, type HeadRows, IDS, logitsOf, overRows, TILE, wholeRows } from "./head.js";
import { CHUNK, type Implementation, unitsOf } from "./implementation.js";

/** Some rows, their targets, and where their running values are. */
interface Rows extends HeadRows {
  readonly targets: number;
  readonly running: readonly number[];
}

/** Scratch for the running values of `rows` rows: maxima, sums, hits (assembly/cross-entropy.ts). */
function runningValues(engine: Engine, rows: number): readonly number[] {
  return [1, 2, 3].map(() => engine.scratch(rows * 4));
}

/** Runs `phase` over the vocabulary in chunks of packed weights; `rest` are the job's arguments after the hits. */
function overVocabulary(
  engine: Engine,
  phase: "crossEntropyChunk" | "crossEntropyExp",
  { x, rows, w, bias, targets, running }: Rows,
  rest: readonly number[],
): void {
  const [V, C] = w.shape as [number, number];
  for (let first = 0; first < V; first += IDS) {
    const width = Math.min(IDS, V - first);
    engine.scoped(() => {
      const stored = { pointer: w.pointer + first * C * 4, stride: C, transposed: true };
      const packed = packB(engine, stored, C, width);
      engine.run(phase, unitsOf(rows, BLOCK), rows * width * (C / 20 + 1), [
        ...[x, rows, C, packed, width, first, bias ? bias.pointer + first * 4 : 0],
        ...[targets, ...running, ...rest],
      ]);
    });
  }
}

/** Memory for whole rows of exponentials, for the largest logit of each of their tiles, and for packed rows of x. */
function exponentialRows(engine: Engine, N: number, [V, C]: readonly [number, number]) {
  const { ld, most } = wholeRows(N, V);
  const tiles = Math.ceil(V / TILE);
  const perThread = engine.gemm ? 0 : BLOCK * C * 4;
  const [e, largest] = [engine.scratch(most * ld * 4), engine.scratch(most * tiles * 4)];
  return { ld, tiles, most, e, largest, packed: engine.scratch(perThread * engine.threads), perThread };
}
type ExponentialRows = ReturnType<typeof exponentialRows>;

/** e = exp(logit − the largest of its tile) for whole rows, and the rows' running values. */
function exponentials(engine: Engine, rows: Rows, whole: ExponentialRows): void {
  const { e, ld, largest, tiles, packed, perThread } = whole;
  const [V, C] = rows.w.shape as [number, number];
  if (!engine.gemm) {
    overVocabulary(engine, "crossEntropyExp", rows, [e, ld, largest, tiles, packed, perThread]);
    return;
  }
  logitsOf(engine, rows, e, ld);
  engine.run("crossEntropyExp", unitsOf(rows.rows, BLOCK), rows.rows * V, [
    ...[rows.x, rows.rows, C, 0, V, 0, 0, rows.targets, ...rows.running, e, ld, largest, tiles, 0, 0],
  ]);
}

export const linearCrossEntropy: Implementation<"linearCrossEntropy"> = {
  alone: true,
  check: (engine, { w, targets }) => checkIds(engine, "linearCrossEntropy", "targets", targets, w.shape[0]),
  run(engine, { x, w, bias, targets }, _attributes, { loss }) {
    const N = rowsOf(x.shape);
    const [V, C] = w.shape as [number, number];
    if (engine.gemm) {
      const whole = exponentialRows(engine, N, [V, C]);
      const running = runningValues(engine, whole.most);
      overRows(N, whole.most, (row, rows) => {
        const [from, ids] = [x.pointer + row * C * 4, targets.pointer + row * 4];
        exponentials(engine, { x: from, rows, w, bias, targets: ids, running }, whole);
        engine.run("crossEntropyEnd", 1, 0, [...running, loss.pointer + row * 4, rows]);
      });
      return;
    }
    const running = runningValues(engine, N);
    const perThread = BLOCK * (TILE + C) * 4;
    const tile = engine.scratch(perThread * engine.threads);
    const rows = { x: x.pointer, rows: N, w, bias, targets: targets.pointer, running };
    overVocabulary(engine, "crossEntropyChunk", rows, [tile, perThread]);
    engine.run("crossEntropyEnd", 1, 0, [...running, loss.pointer, N]);
  },
};

export const linearCrossEntropyGrad: Implementation<"linearCrossEntropyGrad"> = {
  alone: true,
  accumulates: true,
  check: (engine, { w, targets }) =>
    checkIds(engine, "linearCrossEntropyGrad", "targets", targets, w.shape[0]),
  run(engine, { dloss, x, w, bias, targets }, _attributes, { loss, dx, dw, dbias }) {
    const N = rowsOf(x.shape);
    const [V, C] = w.shape as [number, number];
    const whole = exponentialRows(engine, N, [V, C]);
    const { e, ld, largest, tiles, most } = whole;
    const running = runningValues(engine, most);
    const losses = loss.add ? engine.scratch(most * 4) : 0;
    overRows(N, most, (row, rows) => {
      const xRows = x.pointer + row * C * 4;
      const [ids, weight] = [targets.pointer + row * 4, dloss.pointer + row * 4];
      const lossAt = loss.pointer + row * 4;
      exponentials(engine, { x: xRows, rows, w, bias, targets: ids, running }, whole);
      engine.run("crossEntropyGradient", unitsOf(rows, BLOCK), rows * V * 0.3, [
        ...[e, ld, rows, V, largest, tiles, ...running, ids, weight, losses || lossAt],
      ]);
      if (losses) engine.run("add", unitsOf(rows, CHUNK), rows * 0.3, [lossAt, losses, lossAt, rows]);
      headGradients(engine, { x: xRows, rows, w }, { dlogits: e, ld, row }, { dx, dw, dbias });
    });
  },
};
