/** What goes pair by pair, with NumPy's broadcasting: one kernel, an operator as its attribute, a line each. */
import { BackendError } from "../errors.js";
import type { DType } from "../dtype.js";
import { broadcastShapes, broadcastStrides, placesOf } from "../broadcast.js";
import { sameShape } from "../shape.js";
import { ANY, BOOL, contract, NUMBERS } from "./contract.js";
import { checkDType, operatorOf } from "./unary.js";

interface Operator {
  readonly of: (a: number, b: number) => number;
  readonly takes: readonly DType[];
  /** Where that is not what it takes. */
  readonly gives?: DType;
  /** Where int32 needs a way of its own: products above 2^53 have lost their lowest bits. */
  readonly ofInt32?: (a: number, b: number) => number;
}

const FLOAT: readonly DType[] = ["float32"];

/** All operators. Sums and products of int32 wrap. NaN is neither equal nor in any order, and wins in maximum and minimum. */
export const binaryOperators = {
  add: { of: (a, b) => a + b, takes: NUMBERS },
  sub: { of: (a, b) => a - b, takes: NUMBERS },
  mul: { of: (a, b) => a * b, takes: NUMBERS, ofInt32: Math.imul },
  div: { of: (a, b) => a / b, takes: FLOAT },
  pow: { of: power, takes: FLOAT },
  maximum: { of: Math.max, takes: NUMBERS },
  minimum: { of: Math.min, takes: NUMBERS },
  eq: { of: (a, b) => Number(a === b), takes: ANY, gives: "bool" },
  ne: { of: (a, b) => Number(a !== b), takes: ANY, gives: "bool" },
  lt: { of: (a, b) => Number(a < b), takes: NUMBERS, gives: "bool" },
  le: { of: (a, b) => Number(a <= b), takes: NUMBERS, gives: "bool" },
  gt: { of: (a, b) => Number(a > b), takes: NUMBERS, gives: "bool" },
  ge: { of: (a, b) => Number(a >= b), takes: NUMBERS, gives: "bool" },
  logicalAnd: { of: (a, b) => Number(a !== 0 && b !== 0), takes: BOOL },
  logicalOr: { of: (a, b) => Number(a !== 0 || b !== 0), takes: BOOL },
} as const satisfies Record<string, Operator>;

/**
 * C's pow, in which 1 to any power is 1, and so is −1 to an infinite one. JavaScript's gives NaN there. gpu.js's kernels do not
 * tell −0 from 0.
 */
function power(a: number, b: number): number {
  return a === 1 || (a === -1 && !Number.isFinite(b) && !Number.isNaN(b)) ? 1 : a ** b;
}

/** `add`, `div`, `maximum`, `lt`, … */
export type BinaryOp = keyof typeof binaryOperators;

/** Which operator. */
export interface BinaryAttributes {
  readonly op: BinaryOp;
}

/** a, b of shapes that broadcast → y of the shape that they broadcast to. Both of one dtype; comparisons give bool. */
export const binary = contract<BinaryAttributes>()({
  inputs: ["a", "b"],
  dtypes: { a: ANY, b: ANY },
  outputs: ["y"],
  infer({ a, b }, { op }) {
    const { takes, gives }: Operator = operatorOf("binary", binaryOperators, op);
    checkDType(op, a.dtype, takes);
    checkSameDType(op, { a: a.dtype, b: b.dtype });
    const shape = sameShape(a.shape, b.shape) ? a.shape : broadcastShapes(op, { a: a.shape, b: b.shape });
    return { y: { shape, dtype: gives ?? a.dtype } };
  },
  naive({ a, b }, { op }, { y }) {
    const operator: Operator = operatorOf("binary", binaryOperators, op);
    const of = (a.dtype === "int32" && operator.ofInt32) || operator.of;
    const [atA, atB] = [a, b].map(({ shape }) => placesOf(y.shape, broadcastStrides(shape, y.shape)));
    for (let i = 0; i < y.data.length; i++) y.data[i] = of(a.data[atA[i]], b.data[atB[i]]);
  },
});

/** condition (bool), a, b of shapes that broadcast → y: a where it is true, b elsewhere. a and b of one dtype. */
export const where = contract<Readonly<Record<never, never>>>()({
  inputs: ["condition", "a", "b"],
  dtypes: { condition: BOOL, a: ANY, b: ANY },
  outputs: ["y"],
  infer({ condition, a, b }) {
    checkSameDType("where", { a: a.dtype, b: b.dtype });
    const same = sameShape(condition.shape, a.shape) && sameShape(a.shape, b.shape);
    const shapes = { condition: condition.shape, a: a.shape, b: b.shape };
    return { y: { shape: same ? a.shape : broadcastShapes("where", shapes), dtype: a.dtype } };
  },
  naive({ condition, a, b }, _attributes, { y }) {
    const places = [condition, a, b].map(({ shape }) => placesOf(y.shape, broadcastStrides(shape, y.shape)));
    for (let i = 0; i < y.data.length; i++) {
      y.data[i] = condition.data[places[0][i]] ? a.data[places[1][i]] : b.data[places[2][i]];
    }
  },
});

function checkSameDType(op: string, { a, b }: { readonly a: DType; readonly b: DType }): void {
  if (a === b) return;
  throw new BackendError(`${op}: a is ${a} and b is ${b}; cast one to the other's`);
}
