/** What goes value by value: one kernel, an operator as its attribute, a line each. */
import { BackendError } from "../errors.js";
import { type DType, toDType } from "../dtype.js";
import { didYouMean } from "../nearest.js";
import { ANY, BOOL, contract, KEPT, NUMBERS } from "./contract.js";
import { erf } from "./gelu.js";

interface Operator {
  readonly of: (x: number) => number;
  readonly takes: readonly DType[];
  /** Where that is not what it takes. */
  readonly gives?: DType;
}

const FLOAT: readonly DType[] = ["float32"];

/** Halves go to the even neighbour, as in IEEE 754, NumPy and PyTorch. */
function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  if (rest < 0.5) return down;
  return rest > 0.5 || down % 2 !== 0 ? down + 1 : down;
}

/** All operators: of NaN they give NaN, but for sign (0), isNaN and isFinite. */
export const unaryOperators = {
  neg: { of: (x) => -x, takes: NUMBERS },
  abs: { of: Math.abs, takes: NUMBERS },
  sign: { of: (x) => Number(x > 0) - Number(x < 0), takes: NUMBERS },
  square: { of: (x) => x * x, takes: NUMBERS },
  relu: { of: (x) => (x <= 0 ? 0 : x), takes: NUMBERS },
  exp: { of: Math.exp, takes: FLOAT },
  expm1: { of: Math.expm1, takes: FLOAT },
  log: { of: Math.log, takes: FLOAT },
  log1p: { of: Math.log1p, takes: FLOAT },
  sqrt: { of: Math.sqrt, takes: FLOAT },
  rsqrt: { of: (x) => 1 / Math.sqrt(x), takes: FLOAT },
  reciprocal: { of: (x) => 1 / x, takes: FLOAT },
  sin: { of: Math.sin, takes: FLOAT },
  cos: { of: Math.cos, takes: FLOAT },
  tanh: { of: Math.tanh, takes: FLOAT },
  sigmoid: { of: (x) => 1 / (1 + Math.exp(-x)), takes: FLOAT },
  erf: { of: erf, takes: FLOAT },
  silu: { of: (x) => x / (1 + Math.exp(-x)), takes: FLOAT },
  softplus: { of: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), takes: FLOAT },
  floor: { of: Math.floor, takes: FLOAT },
  ceil: { of: Math.ceil, takes: FLOAT },
  round: { of: roundHalfEven, takes: FLOAT },
  logicalNot: { of: (x) => Number(x === 0), takes: BOOL },
  isNaN: { of: (x) => Number(Number.isNaN(x)), takes: FLOAT, gives: "bool" },
  isFinite: { of: (x) => Number(Number.isFinite(x)), takes: FLOAT, gives: "bool" },
} as const satisfies Record<string, Operator>;

/** `neg`, `exp`, `relu`, … */
export type UnaryOp = keyof typeof unaryOperators;

/** Which operator. */
export interface UnaryAttributes {
  readonly op: UnaryOp;
}

/** x (...) → y (...), value by value. float32; neg to relu int32, too; logicalNot bool. */
export const unary = contract<UnaryAttributes>()({
  inputs: ["x"],
  dtypes: { x: ANY },
  outputs: ["y"],
  infer({ x }, { op }) {
    const { takes, gives }: Operator = operatorOf("unary", unaryOperators, op);
    checkDType(op, x.dtype, takes);
    return { y: { shape: x.shape, dtype: gives ?? x.dtype } };
  },
  naive({ x }, { op }, { y }) {
    const { of } = unaryOperators[op];
    for (let i = 0; i < x.data.length; i++) y.data[i] = of(x.data[i]);
  },
});

/** The least and the largest value that is let through; NaN passes. */
export interface ClampAttributes {
  readonly min: number;
  readonly max: number;
}

/** x (...) → y (...): min where it is below, max where it is above, max where they cross. float32 or int32. */
export const clamp = contract<ClampAttributes>()({
  inputs: ["x"],
  dtypes: { x: NUMBERS },
  outputs: ["y"],
  infer: ({ x }) => ({ y: x }),
  naive({ x }, { min, max }, { y }) {
    for (let i = 0; i < x.data.length; i++) {
      const v = x.data[i] < min ? min : x.data[i];
      y.data[i] = v > max ? max : v;
    }
  },
});

/** The kind of value to become. */
export interface CastAttributes {
  readonly to: DType;
}

const INT32_MAX = 2 ** 31 - 1;

/**
 * x (...) → y (...) of another kind. float32 to int32 loses what is behind the point, stops at the ends of int32's range,
 * and makes 0 of NaN; to bool all but 0 is true, NaN too; to bfloat16, of float32 alone, and back.
 */
export const cast = contract<CastAttributes>()({
  inputs: ["x"],
  dtypes: { x: [...ANY, "bfloat16"] },
  outputs: ["y"],
  infer({ x }, { to }) {
    if (to === "bfloat16" || x.dtype === "bfloat16") {
      checkDType("cast", x.dtype, KEPT);
      checkDType("cast", to, KEPT);
    }
    return { y: { shape: x.shape, dtype: to } };
  },
  naive({ x }, { to }, { y }) {
    if (to === "bfloat16") y.data.set(toDType(x.data, to));
    else for (let i = 0; i < x.data.length; i++) y.data[i] = castOne(x.data[i], to);
  },
});

function castOne(v: number, to: DType): number {
  if (to === "float32") return v;
  if (to === "bool") return v === 0 ? 0 : 1;
  return Math.min(Math.max(Math.trunc(v), -INT32_MAX - 1), INT32_MAX);
}

/** An operator by its name. @throws BackendError naming the nearest one, where there is none such */
export function operatorOf<T>(kernel: string, table: Readonly<Record<string, T>>, op: string): T {
  if (Object.hasOwn(table, op)) return table[op];
  throw new BackendError(`${kernel}: there is no operator ${op}${didYouMean(op, Object.keys(table))}`);
}

/** @throws BackendError where an operator has no meaning for a kind of value */
export function checkDType(op: string, dtype: DType, takes: readonly DType[]): void {
  if (takes.includes(dtype)) return;
  throw new BackendError(`${op}: the operand is ${dtype}; it must be ${takes.join(" or ")}. See cast.`);
}
