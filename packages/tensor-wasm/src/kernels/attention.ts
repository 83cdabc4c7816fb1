/** Attention: scratch for the tiles of each thread, and the jobs of assembly/attention.ts. */
import type { Shape } from "@normless/tensor";
import { type Implementation, unitsOf } from "./implementation.js";

/** Sides of a tile of scores (assembly/attention.ts). */
const ROWS = 48;
const COLUMNS = 64;
const roundUp8 = (n: number) => (n + 7) & ~7;

export const attention: Implementation<"attention"> = {
  run(engine, { q, k, v }, { heads: H, keys }, { y, lse }) {
    const [B, Tq, C] = q.shape as [number, number, number];
    const capacity = k.shape[1];
    const Tk = keys ?? capacity;
    const D = C / H;
    const wide = roundUp8(D);
    const perThread = 4 * (D * COLUMNS + COLUMNS * wide + ROWS * COLUMNS + ROWS * wide + 2 * ROWS);
    const scratch = engine.scratch(perThread * engine.threads);
    const pointers = [q, k, v, y, lse].map(({ pointer }) => pointer);
    engine.run(
      "attention",
      B * H * unitsOf(Tq, ROWS),
      B * Tq * Tk * C * 0.2,
      [...pointers, B, Tq, Tk, C, H, capacity, scratch, perThread],
      [1 / Math.sqrt(D)],
    );
  },
};

export const attentionGrad: Implementation<"attentionGrad"> = {
  accumulates: true,
  run(engine, { dy, q, k, v, y, lse }, { heads: H }, { dq, dk, dv }) {
    const [B, Tq, C] = q.shape as [number, number, number];
    const Tk = k.shape[1];
    const D = C / H;
    const wide = roundUp8(D);
    const T8 = roundUp8(Tq);
    const perThread = 4 * (2 * D * T8 + 2 * Tq * wide + ROWS * wide + 2 * ROWS * COLUMNS + 2 * T8);
    const scratch = engine.scratch(perThread * engine.threads);
    for (const out of [dq, dk, dv]) if (!out.add) engine.heap.float32(out.pointer, out.size).fill(0);
    const pointers = [dy, q, k, v, y, lse, dq, dk, dv].map(({ pointer }) => pointer);
    const ints = [...pointers, B, Tq, Tk, C, H, scratch, perThread];
    engine.run("attentionGrad", B * H, B * Tq * Tk * C * 0.5, ints, [1 / Math.sqrt(D)]);
  },
};

/** Bytes of the rows (t,C) of one batch entry. */
const bytesOf = ([, t, C]: Shape) => t * C * 4;

export const writeRows: Implementation<"writeRows"> = {
  run(engine, { cache, rows }, { at }) {
    const C = cache.shape[2];
    engine.run("writeRows", cache.shape[0], rows.size * 0.2, [
      ...[cache.pointer, rows.pointer, bytesOf(rows.shape), bytesOf(cache.shape), at * C * 4],
    ]);
  },
};
