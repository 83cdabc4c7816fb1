/** Attention: scratch for the tiles of each thread, and the jobs of assembly/attention.ts. */
import type { Shape } from "@normless/tensor";
import type { Engine } from "../engine.js";
import { flag, type Implementation, type Operand, type Result, unitsOf } from "./implementation.js";

/** Queries of a block and keys of a tile (assembly/attention.ts); both, of a tile of the gradient (attention-grad.ts). */
const QUERIES = 48;
const KEYS = 96;
const SIDE = 48;
/** Queries up to which keys and values are not worth packing (assembly/few-queries.ts). */
const FEW_QUERIES = 4;
/** Keys of a unit then. */
const FEW_KEYS = 64;
const roundUp = (n: number, to: number) => Math.ceil(n / to) * to;

/** The heads' results for some keys at a time, then what they are together. `capacity`: rows of the cache. */
function fewQueries(
  engine: Engine,
  sizes: Readonly<Record<"B" | "Tq" | "Tk" | "C" | "H" | "capacity", number>>,
  { q, k, v }: Readonly<Record<"q" | "k" | "v", Operand>>,
  { y, lse }: Readonly<Record<"y" | "lse", Result>>,
): void {
  const { B, Tq, Tk, C, H, capacity } = sizes;
  const units = unitsOf(Tk, FEW_KEYS);
  const results = engine.scratch(B * units * Tq * (C + 2 * H) * 4);
  const perThread = H * FEW_KEYS * 4;
  const scratch = engine.scratch(perThread * engine.threads);
  const operands = [q.pointer, k.pointer, v.pointer, results, B, Tq, Tk, C, H, capacity];
  const work = B * Tq * Tk * C * 0.2;
  engine.run("fewQueries", B * units, work, [...operands, scratch, perThread], [1 / Math.sqrt(C / H)]);
  const ends = [results, y.pointer, lse.pointer, B, Tq, Tk, C, H];
  engine.run("fewQueriesEnd", B * Tq * H, B * Tq * units * C * 0.3, ends);
}

export const attention: Implementation<"attention"> = {
  run(engine, { q, k, v }, { heads: H, keys }, { y, lse }) {
    const [B, Tq, C] = q.shape as [number, number, number];
    const capacity = k.shape[1];
    const Tk = keys ?? capacity;
    const D = C / H;
    if (Tq <= FEW_QUERIES) {
      fewQueries(engine, { B, Tq, Tk, C, H, capacity }, { q, k, v }, { y, lse });
      return;
    }
    const wide = roundUp(D, 8);
    const packedKeys = engine.scratch(B * H * roundUp(Tk, 6) * D * 4);
    const packedValues = engine.scratch(B * H * Tk * wide * 4);
    engine.run("attentionPack", B * H * unitsOf(Tk, KEYS), B * Tk * C, [
      ...[k.pointer, v.pointer, Tk, C, H, capacity, packedKeys, packedValues],
    ]);
    const perThread = 4 * (D * QUERIES + KEYS * QUERIES + KEYS * 4 + QUERIES * wide + 3 * QUERIES);
    const scratch = engine.scratch(perThread * engine.threads);
    const pointers = [q, y, lse].map(({ pointer }) => pointer);
    engine.run(
      "attention",
      B * H * unitsOf(Tq, QUERIES),
      B * Tq * Tk * C * 0.2,
      [...pointers, B, Tq, Tk, C, H, packedKeys, packedValues, scratch, perThread],
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
    const wide = roundUp(D, 8);
    const ofQueries = 2 * roundUp(Tq, 6) * D + 2 * Tq * wide + Tq;
    const ofTile = 2 * D * SIDE + SIDE * wide + 2 * SIDE * SIDE + 6 * SIDE;
    const perThread = 4 * roundUp(ofQueries + ofTile, 4);
    const scratch = engine.scratch(perThread * engine.threads);
    const pointers = [dy, q, k, v, y, lse, dq, dk, dv].map(({ pointer }) => pointer);
    const adds = [dq, dk, dv].map(({ add }) => flag(add));
    const ints = [...pointers, B, Tq, Tk, C, H, scratch, perThread, ...adds];
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
