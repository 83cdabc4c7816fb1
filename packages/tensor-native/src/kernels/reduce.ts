/** Reductions over N of (O,N,I), and the places of the largest and the least (native/reduce.c, folds.c, moments.c, arguments.c). */
import { type ReduceOp, reduceOperators } from "@normless/tensor";
import { declare, type Prototype } from "../library.js";
import type { Engine } from "../engine.js";
import type { Implementation, Operand } from "./implementation.js";

const reduction = (name: string): Prototype =>
  declare(
    `int reduce_${name}(engine *e, float *y, const float *x, int64_t O, int64_t N, int64_t I, double factor)`,
  );

const names = (Object.keys(reduceOperators) as ReduceOp[]).filter((op) => op !== "mean");
const takes = (op: ReduceOp): readonly string[] => reduceOperators[op].takes;

/** By what they are of. A mean is a sum, but for the factor. */
const ofFloats = new Map<string, Prototype>(
  names.filter((op) => takes(op).includes("float32")).map((op) => [op, reduction(op)]),
);
const ofInts = new Map<string, Prototype>(
  names.filter((op) => String(takes(op)) !== "float32").map((op) => [op, reduction(`int_${op}`)]),
);
ofFloats.set("mean", ofFloats.get("sum") as Prototype);
for (const op of ["argmax", "argmin"]) {
  ofFloats.set(op, reduction(op));
  ofInts.set(op, reduction(`int_${op}`));
}

/** The contract has checked that the operator takes the kind. */
function reduceTo(engine: Engine, op: string, y: Operand, x: Operand, factor: number): void {
  const [O, N, I] = x.shape as readonly [number, number, number];
  const kernel = (x.dtype === "float32" ? ofFloats : ofInts).get(op) as Prototype;
  engine.call(kernel, y.pointer, x.pointer, O, N, I, factor);
}

export const reduce: Implementation<"reduce"> = {
  run(engine, { x }, { op, correction = 0 }, { y }) {
    const N = x.shape[1];
    const factor = op === "mean" ? 1 / N : op === "variance" ? 1 / Math.max(N - correction, 0) : 1;
    reduceTo(engine, op, y, x, factor);
  },
};

export const argReduce: Implementation<"argReduce"> = {
  run: (engine, { x }, { op }, { y }) => reduceTo(engine, op, y, x, 1),
};
