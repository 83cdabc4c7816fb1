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
/** Values of whole rows of logits in the making, at most (64 MiB), but always a block of rows. */
const WHOLE = 1 << 24;

/** Rows of x, the head, and where the running values of the rows are. */
interface Rows {
  readonly x: number;
  readonly rows: number;
  readonly w: Operand;
  readonly bias: Operand | undefined;
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

/** Rows that go through the head at once where whole rows of V values are made, and memory for them. */
function wholeRows(engine: Engine, N: number, V: number) {
  const ld = (V + 7) & ~7;
  const tiles = Math.ceil(V / TILE);
  const most = Math.min(N, Math.max(1, Math.floor(WHOLE / ld / BLOCK)) * BLOCK);
  return { ld, tiles, most, e: engine.scratch(most * ld * 4), largest: engine.scratch(most * tiles * 4) };
}
type WholeRows = ReturnType<typeof wholeRows>;

/** e = exp(logit − the largest of its tile) for whole rows, and the rows' running values. */
function exponentials(engine: Engine, rows: Rows, { e, ld, largest, tiles }: WholeRows): void {
  const [V, C] = rows.w.shape as [number, number];
  if (!engine.gemm) {
    const perThread = BLOCK * C * 4;
    const packed = engine.scratch(perThread * engine.threads);
    overVocabulary(engine, "crossEntropyExp", rows, [e, ld, largest, tiles, packed, perThread]);
    return;
  }
  product(engine, {
    ...{ M: rows.rows, N: V, K: C, add: false, bias: rows.bias?.pointer ?? 0 },
    a: { pointer: rows.x, stride: C },
    b: { pointer: rows.w.pointer, stride: C, transposed: true },
    c: { pointer: e, stride: ld },
  });
  engine.run("crossEntropyExp", unitsOf(rows.rows, BLOCK), rows.rows * V, [
    ...[rows.x, rows.rows, C, 0, V, 0, 0, rows.targets, ...rows.running, e, ld, largest, tiles, 0, 0],
  ]);
}

export const linearCrossEntropy: Implementation<"linearCrossEntropy"> = {
  check: (engine, { w, targets }) => checkIds(engine, "linearCrossEntropy", "targets", targets, w.shape[0]),
  run(engine, { x, w, bias, targets }, _attributes, { loss }) {
    const N = rowsOf(x.shape);
    const [V, C] = w.shape as [number, number];
    if (engine.gemm) {
      const whole = wholeRows(engine, N, V);
      const running = runningValues(engine, whole.most);
      for (let row = 0; row < N; row += whole.most) {
        const rows = Math.min(whole.most, N - row);
        const [from, ids] = [x.pointer + row * C * 4, targets.pointer + row * 4];
        exponentials(engine, { x: from, rows, w, bias, targets: ids, running }, whole);
        engine.run("crossEntropyEnd", 1, 0, [...running, loss.pointer + row * 4, rows]);
      }
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
  accumulates: true,
  check: (engine, { w, targets }) =>
    checkIds(engine, "linearCrossEntropyGrad", "targets", targets, w.shape[0]),
  run(engine, { dloss, x, w, bias, targets }, _attributes, { loss, dx, dw, dbias }) {
    const N = rowsOf(x.shape);
    const [V, C] = w.shape as [number, number];
    const whole = wholeRows(engine, N, V);
    const { e, ld, largest, tiles, most } = whole;
    const running = runningValues(engine, most);
    const losses = loss.add ? engine.scratch(most * 4) : 0;
    for (let row = 0; row < N; row += most) {
      const rows = Math.min(most, N - row);
      const xRows = { pointer: x.pointer + row * C * 4, stride: C };
      const [ids, weight] = [targets.pointer + row * 4, dloss.pointer + row * 4];
      const lossAt = loss.pointer + row * 4;
      exponentials(engine, { x: xRows.pointer, rows, w, bias, targets: ids, running }, whole);
      engine.run("crossEntropyGradient", unitsOf(rows, BLOCK), rows * V * 0.3, [
        ...[e, ld, rows, V, largest, tiles, ...running, ids, weight, losses || lossAt],
      ]);
      if (losses) engine.run("add", unitsOf(rows, CHUNK), rows * 0.3, [lossAt, losses, lossAt, rows]);
      for (let first = 0; first < V; first += IDS) {
        const ids = Math.min(IDS, V - first);
        const dlogits = { pointer: e + first * 4, stride: ld };
        product(engine, {
          ...{ M: rows, N: C, K: ids, add: dx.add || first > 0 },
          a: dlogits,
          b: { pointer: w.pointer + first * C * 4, stride: C },
          c: { pointer: dx.pointer + row * C * 4, stride: C },
        });
        product(engine, {
          ...{ M: ids, N: C, K: rows, add: dw.add || row > 0 },
          a: { ...dlogits, transposed: true },
          b: xRows,
          c: { pointer: dw.pointer + first * C * 4, stride: C },
        });
      }
      engine.run("columnSums", unitsOf(V, SUM_COLUMNS), rows * V * 0.2, [
        ...[e, ld, dbias.pointer, rows, V, flag(dbias.add || row > 0)],
      ]);
    }
  },
};
