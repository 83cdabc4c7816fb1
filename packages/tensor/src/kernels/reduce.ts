/**
 * Reductions and running sums over one dimension, N, of x (O,N,I): whoever reduces over another, or over several, looks at
 * the tensor in this shape.
 */
import type { DType, TensorSpec } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { ANY, BOOL, contract, NUMBERS, type View } from "./contract.js";
import { checkDType, operatorOf } from "./unary.js";

const FLOAT: readonly DType[] = ["float32"];

interface Operator {
  readonly of: (values: Float64Array, correction: number) => number;
  readonly takes: readonly DType[];
  /** Of no values there is none. */
  readonly needsValues?: boolean;
  /** Where int32 needs a way of its own. */
  readonly ofInt32?: (values: Float64Array) => number;
}

const sumOf = (values: Float64Array) => values.reduce((sum, x) => sum + x, 0);
const maxOf = (values: Float64Array) => values.reduce((most, x) => Math.max(most, x), -Infinity);

function varianceOf(values: Float64Array, correction: number): number {
  const mean = sumOf(values) / values.length;
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return squares / Math.max(values.length - correction, 0);
}

function logSumExpOf(values: Float64Array): number {
  const max = maxOf(values);
  if (!Number.isFinite(max)) return max;
  return max + Math.log(values.reduce((sum, x) => sum + Math.exp(x - max), 0));
}

/** All operators. Sums and products of int32 wrap; NaN makes NaN. */
export const reduceOperators = {
  sum: { of: sumOf, takes: NUMBERS },
  mean: { of: (values) => sumOf(values) / values.length, takes: FLOAT },
  prod: {
    of: (values) => values.reduce((product, x) => product * x, 1),
    takes: NUMBERS,
    ofInt32: (values) => values.reduce((product, x) => Math.imul(product, x), 1),
  },
  max: { of: maxOf, takes: NUMBERS, needsValues: true },
  min: {
    of: (values) => values.reduce((least, x) => Math.min(least, x), Infinity),
    takes: NUMBERS,
    needsValues: true,
  },
  any: { of: (values) => Number(values.some((x) => x !== 0)), takes: BOOL },
  all: { of: (values) => Number(values.every((x) => x !== 0)), takes: BOOL },
  variance: { of: varianceOf, takes: FLOAT },
  logSumExp: { of: logSumExpOf, takes: FLOAT },
} as const satisfies Record<string, Operator>;

/** `sum`, `mean`, `max`, … */
export type ReduceOp = keyof typeof reduceOperators;

/** Which operator; `correction` is what variance's divisor is less than N: 1 for a sample's (Bessel), 0 unless given. */
export interface ReduceAttributes {
  readonly op: ReduceOp;
  readonly correction?: number;
}

/** O, N and I of x (O,N,I). @throws ShapeError for any other rank */
export function axisDims(op: string, x: TensorSpec): readonly [O: number, N: number, I: number] {
  const [O, N, I] = x.shape;
  if (x.shape.length === 3) return [O, N, I];
  throw new ShapeError(op, "x is (O,N,I)", { x: x.shape }, "Reshape it: N is the dimension in question.");
}

/** The N values of x (O,N,I) at (o, :, i), by calling `use` for all. */
function alongN(
  { shape, data }: View,
  use: (values: Float64Array, at: (n: number) => number, row: number) => void,
) {
  const [O, N, I] = shape;
  for (let o = 0; o < O; o++) {
    for (let i = 0; i < I; i++) {
      const at = (n: number) => (o * N + n) * I + i;
      use(
        Float64Array.from({ length: N }, (_, n) => data[at(n)]),
        at,
        o * I + i,
      );
    }
  }
}

/** x (O,N,I) → y (O,I). float32; sum, prod, max and min int32, too; any and all bool. max and min of nothing: ShapeError. */
export const reduce = contract<ReduceAttributes>()({
  inputs: ["x"],
  dtypes: { x: ANY },
  outputs: ["y"],
  infer({ x }, { op }) {
    const { takes, needsValues }: Operator = operatorOf("reduce", reduceOperators, op);
    checkDType(op, x.dtype, takes);
    const [O, N, I] = axisDims(op, x);
    if (needsValues && N === 0) throw new ShapeError(op, "of no values there is none", { x: x.shape });
    return { y: { shape: [O, I], dtype: x.dtype } };
  },
  naive({ x }, { op, correction = 0 }, { y }) {
    const operator: Operator = operatorOf("reduce", reduceOperators, op);
    const of = (x.dtype === "int32" && operator.ofInt32) || operator.of;
    alongN(x, (values, _at, row) => (y.data[row] = of(values, correction)));
  },
});

/** Of which the place is asked for. */
export interface ArgReduceAttributes {
  readonly op: "argmax" | "argmin";
}

/** x (O,N,I) → y (O,I) int32: the first place, from 0, of the largest or least value, or of NaN. Of nothing: ShapeError. */
export const argReduce = contract<ArgReduceAttributes>()({
  inputs: ["x"],
  dtypes: { x: NUMBERS },
  outputs: ["y"],
  infer({ x }, { op }) {
    const [O, N, I] = axisDims(op, x);
    if (N === 0) throw new ShapeError(op, "of no values there is none", { x: x.shape });
    return { y: { shape: [O, I], dtype: "int32" } };
  },
  naive({ x }, { op }, { y }) {
    alongN(x, (values, _at, row) => {
      const nan = values.findIndex(Number.isNaN);
      const best =
        op === "argmax" ? maxOf(values) : values.reduce((least, v) => Math.min(least, v), Infinity);
      y.data[row] = nan < 0 ? values.indexOf(best) : nan;
    });
  },
});

/** From the end, when `reverse` is true. */
export interface CumsumAttributes {
  readonly reverse?: boolean;
}

/** x (O,N,I) → y (O,N,I): the sum of x up to each place along N, that place included. float32 or int32, which wraps. */
export const cumsum = contract<CumsumAttributes>()({
  inputs: ["x"],
  dtypes: { x: NUMBERS },
  outputs: ["y"],
  infer({ x }) {
    axisDims("cumsum", x);
    return { y: x };
  },
  naive({ x }, { reverse }, { y }) {
    alongN(x, (values, at) => {
      let sum = 0;
      for (let n = 0; n < values.length; n++) {
        const place = reverse ? values.length - 1 - n : n;
        sum += values[place];
        y.data[at(place)] = sum;
      }
    });
  },
});

/** The logarithm of the softmax, when `log` is true. */
export interface SoftmaxAttributes {
  readonly log?: boolean;
}

/** x (O,N,I) → y (O,N,I): exp(x) / Σ exp(x) over N, or its logarithm. Where one of N is ∞, or all are −∞: NaN, all of them. */
export const softmax = contract<SoftmaxAttributes>()({
  inputs: ["x"],
  outputs: ["y"],
  infer({ x }) {
    axisDims("softmax", x);
    return { y: x };
  },
  naive({ x }, { log }, { y }) {
    alongN(x, (values, at) => {
      const sum = logSumExpOf(values);
      const lse = Number.isFinite(sum) ? sum : NaN;
      values.forEach((value, n) => (y.data[at(n)] = log ? value - lse : Math.exp(value - lse)));
    });
  },
});

/** dy, y (O,N,I) → dx: y·(dy − Σ dy·y), or for the logarithm dy − exp(y)·Σ dy. */
export const softmaxGrad = contract<SoftmaxAttributes>()({
  inputs: ["dy", "y"],
  outputs: ["dx"],
  infer({ dy, y }) {
    const [O, N, I] = axisDims("softmaxGrad", y);
    if (String(dy.shape) !== String([O, N, I])) {
      throw new ShapeError("softmaxGrad", "dy and y differ", { dy: dy.shape, y: y.shape });
    }
    return { dx: y };
  },
  naive({ dy, y }, { log }, { dx }) {
    alongN(y, (values, at) => {
      let sum = 0;
      values.forEach((value, n) => (sum += dy.data[at(n)] * (log ? 1 : value)));
      values.forEach((value, n) => {
        const slope = dy.data[at(n)];
        dx.data[at(n)] = log ? slope - Math.exp(value) * sum : value * (slope - sum);
      });
    });
  },
});

/** From the largest to the least, when `descending` is true. */
export interface SortAttributes {
  readonly descending?: boolean;
}

/** x (O,N,I) → values and places int32, both (O,N,I), in order along N. Equal values stay in theirs; NaN is the largest. */
export const sort = contract<SortAttributes>()({
  inputs: ["x"],
  dtypes: { x: NUMBERS },
  outputs: ["values", "indices"],
  infer({ x }) {
    axisDims("sort", x);
    return { values: x, indices: { shape: x.shape, dtype: "int32" } };
  },
  naive({ x }, { descending }, { values, indices }) {
    alongN(x, (row, at) => {
      const compare = (a: number, b: number) => {
        if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
        return a < b ? -1 : Number(a > b);
      };
      const order = [...row.keys()].sort((i, j) =>
        descending ? compare(row[j], row[i]) : compare(row[i], row[j]),
      );
      order.forEach((place, n) => {
        values.data[at(n)] = row[place];
        indices.data[at(n)] = place;
      });
    });
  },
});
