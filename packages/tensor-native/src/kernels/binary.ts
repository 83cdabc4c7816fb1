/** What goes pair by pair, and by a condition, with NumPy's broadcasting (native/binary.c). */
import { type BinaryOp, binaryOperators, broadcastStrides } from "@normless/tensor";
import { declare, type Prototype } from "../library.js";
import type { Implementation, Operand } from "./implementation.js";
import { lineOf, merge, stepsOf } from "./walk.js";

const pairs = (name: string): Prototype =>
  declare(`int binary_${name}(engine *e, float *y, const float *a, const float *b, const void *steps)`);

const whereOf = declare(
  "int where(engine *e, float *y, const float *a, const float *b, const float *condition, const void *steps)",
);

const names = Object.keys(binaryOperators) as BinaryOp[];
const takes = (op: BinaryOp): readonly string[] => binaryOperators[op].takes;

/** By what they are of. */
const ofFloats = new Map(
  names.filter((op) => takes(op).includes("float32")).map((op) => [op, pairs(op)] as const),
);
const ofInts = new Map(
  names.filter((op) => String(takes(op)) !== "float32").map((op) => [op, pairs(`int_${op}`)] as const),
);

/** The walk of y and of operands that are broadcast to it. */
function broadcast(y: Operand, operands: readonly Operand[]): Float64Array {
  if (operands.every(({ size }) => size === y.size || size === 1)) {
    return lineOf(y.size, [1, ...operands.map(({ size }) => (size === 1 ? 0 : 1))]);
  }
  return stepsOf(
    merge(
      y.shape,
      [y, ...operands].map(({ shape }) => broadcastStrides(shape, y.shape)),
    ),
  );
}

export const binary: Implementation<"binary"> = {
  run(engine, { a, b }, { op }, { y }) {
    if (y.size === 0) return;
    // The contract has checked that the operator takes the kind.
    const kernel = (a.dtype === "float32" ? ofFloats : ofInts).get(op) as Prototype;
    engine.call(kernel, y.pointer, a.pointer, b.pointer, broadcast(y, [a, b]));
  },
};

export const where: Implementation<"where"> = {
  run(engine, { condition, a, b }, _attributes, { y }) {
    if (y.size === 0) return;
    const steps = broadcast(y, [a, b, condition]);
    engine.call(whereOf, y.pointer, a.pointer, b.pointer, condition.pointer, steps);
  },
};
