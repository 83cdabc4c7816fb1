/** Reductions over N of (O,N,I), and the places of the largest and the least. */
import type { ReduceOp } from "@normless/tensor";
import { reduceInt32Operators, reduceOperators } from "../generated/phases.js";
import type { Engine } from "../engine.js";
import { CHUNK, type Implementation, LONG, type Operand, unitsOf, wordsOf } from "./implementation.js";

/** What a job does, columns that are reduced side by side, and scratch memory of a thread, in bytes (assembly/reduce.ts). */
const [ROWS, COLUMN, JOIN, GATHER] = [0, 1, 2, 3];
const COLUMNS = 1024;
export const PER_THREAD = 20736;
/** Results of a unit that joins parts. */
const JOINED = 256;
/** How many units columns are cut into where they are not so many. */
const ENOUGH = 8;

/** The shape (O,N,I). */
export type Dims = readonly [O: number, N: number, I: number];

/** How N is cut: by the sizes alone, since that decides how sums are rounded. */
export function partsOf([O, N, I]: Dims): { readonly length: number; readonly parts: number } {
  let length = N;
  if (I === 1) {
    if (N > LONG) length = LONG / 2;
  } else {
    const units = O * unitsOf(I, COLUMNS);
    if (units < ENOUGH)
      length = Math.max(Math.ceil(LONG / Math.min(I, COLUMNS)), Math.ceil((N * units) / ENOUGH));
  }
  return length < N ? { length, parts: Math.ceil(N / length) } : { length: N, parts: 1 };
}

/** An operator as reduce.ts of the assembly has it. */
export interface Reduction {
  readonly phase: "reduce" | "reduceInt32";
  readonly code: number;
  /** By which the result is multiplied. */
  readonly factor: number;
}

/** A mean is a sum, but for the factor. */
const codes: { readonly [K in Exclude<ReduceOp, "any" | "all">]: number } = {
  ...reduceOperators,
  mean: reduceOperators.sum,
};
const codesInt32: { readonly [K in ReduceOp]?: number } = reduceInt32Operators;

/** Nanoseconds a value, about. */
const COST = 0.4;

/** Reduces x. Without a y the result stays in slots, of which each row has `parts` and the first is the one: where they are. */
export function reduceTo(
  engine: Engine,
  x: Operand,
  y: Operand | undefined,
  { phase, code, factor }: Reduction,
  cost = COST,
): number {
  const dims = x.shape as unknown as Dims;
  const [O, N, I] = dims;
  const { length, parts } = partsOf(dims);
  const slots = y && parts === 1 ? y.pointer : engine.scratch(O * parts * I * 16);
  const scratch = engine.scratch(engine.threads * PER_THREAD);
  const rows = parts > 1 ? 1 : Math.max(1, Math.floor(CHUNK / Math.max(N, 1)));
  const units = I === 1 ? unitsOf(O * parts, rows) : O * parts * unitsOf(I, COLUMNS);
  const sizes = [code, O, N, I, length, parts];
  const rest = [scratch, PER_THREAD, ...wordsOf(factor)];
  const what = I === 1 ? ROWS : COLUMN;
  engine.run(phase, units, x.size * cost, [x.pointer, slots, ...sizes, what, ...rest, rows]);
  if (parts > 1) {
    const joined = [slots, y?.pointer ?? 0, ...sizes, y ? JOIN : GATHER, ...rest, JOINED];
    engine.run(phase, unitsOf(O * I, JOINED), O * I * parts * 2, joined);
  }
  return slots;
}

function reductionOf(op: ReduceOp, { shape, dtype }: Operand, correction: number): Reduction {
  const N = shape[1];
  if (dtype !== "float32") {
    return { phase: "reduceInt32", code: codesInt32[op] ?? NaN, factor: 1 };
  }
  const factor = op === "mean" ? 1 / N : op === "variance" ? 1 / Math.max(N - correction, 0) : 1;
  return { phase: "reduce", code: codes[op as keyof typeof codes], factor };
}

export const reduce: Implementation<"reduce"> = {
  run(engine, { x }, { op, correction = 0 }, { y }) {
    reduceTo(engine, x, y, reductionOf(op, x, correction), op === "logSumExp" ? 1.5 : COST);
  },
};

/** The maximum and Σe^(x − maximum) of each row, for softmax. */
export function logSumExpSlots(engine: Engine, x: Operand): number {
  return reduceTo(engine, x, undefined, { phase: "reduce", code: codes.logSumExp, factor: 1 }, 1.5);
}

/** The sum of each part of each row, in slots, not joined. */
export function sumSlots(engine: Engine, x: Operand): number {
  const [O, N] = x.shape as unknown as Dims;
  const { length, parts } = partsOf([O, N, 1]);
  const float = x.dtype === "float32";
  const slots = engine.scratch(O * parts * 16);
  const code = float ? reduceOperators.sum : reduceInt32Operators.sum;
  engine.run(float ? "reduce" : "reduceInt32", O * parts, x.size * COST, [
    ...[x.pointer, slots, code, O, N, 1, length, parts, ROWS, 0, 0],
    ...wordsOf(1),
    1,
  ]);
  return slots;
}

export const argReduce: Implementation<"argReduce"> = {
  run(engine, { x }, { op }, { y }) {
    const float = x.dtype === "float32";
    const code = (float ? reduceOperators : reduceInt32Operators)[op];
    reduceTo(engine, x, y, { phase: float ? "reduce" : "reduceInt32", code, factor: 1 });
  },
};
