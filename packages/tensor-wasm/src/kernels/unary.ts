/** What goes value by value. */
import type { UnaryOp } from "@normless/tensor";
import { unaryInt32Operators, unaryOperators } from "../generated/phases.js";
import { CHUNK, type Implementation, type Operand, unitsOf } from "./implementation.js";
import type { Engine } from "../engine.js";

/** Of float32: all of them. Of int32 and bool: those that take these. */
const codes: { readonly [K in Exclude<UnaryOp, "logicalNot">]: number } = unaryOperators;
const codesInt32: { readonly [K in UnaryOp]?: number } = unaryInt32Operators;

/** About how many nanoseconds a value takes, where that is more than reading and writing it. */
const COST: { readonly [K in UnaryOp]?: number } = {
  ...{ exp: 1, expm1: 1, log: 1, log1p: 1.5, sin: 2, cos: 2 },
  ...{ tanh: 1.5, sigmoid: 1.5, erf: 2, silu: 1.5, softplus: 2.5 },
};

function each(
  engine: Engine,
  phase: "unary" | "unaryInt32",
  code: number,
  x: Operand,
  y: Operand,
  cost = 0.3,
): void {
  engine.run(phase, unitsOf(x.size, CHUNK), x.size * cost, [x.pointer, y.pointer, x.size, code]);
}

export const unary: Implementation<"unary"> = {
  run(engine, { x }, { op }, { y }) {
    if (x.dtype === "float32" && op !== "logicalNot") each(engine, "unary", codes[op], x, y, COST[op]);
    else each(engine, "unaryInt32", codesInt32[op] ?? NaN, x, y);
  },
};

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;

export const clamp: Implementation<"clamp"> = {
  run(engine, { x }, { min, max }, { y }) {
    const ints = [x.pointer, y.pointer, x.size];
    const [units, work] = [unitsOf(x.size, CHUNK), x.size * 0.3];
    if (x.dtype === "float32") return engine.run("clamp", units, work, ints, [min, max]);
    // A limit that is no int32 lets through what its whole part does.
    const limits = [min, max].map((limit) => Math.trunc(Math.min(Math.max(limit, INT32_MIN), INT32_MAX)));
    engine.run("clampInt32", units, work, [...ints, ...limits]);
  },
};

export const cast: Implementation<"cast"> = {
  run(engine, { x }, { to }, { y }) {
    const { truncate, toBool } = unaryOperators;
    if (x.dtype === "float32" && to !== "float32") {
      each(engine, "unary", to === "int32" ? truncate : toBool, x, y);
    } else if (x.dtype !== "float32" && to === "float32") {
      each(engine, "unaryInt32", unaryInt32Operators.toFloat32, x, y);
    } else if (x.dtype === "int32" && to === "bool") {
      each(engine, "unaryInt32", unaryInt32Operators.toBool, x, y);
    } else copy(engine, x, y);
  },
};

/** y = x, of any kind. */
function copy(engine: Engine, x: Operand, y: Operand): void {
  each(engine, "unaryInt32", unaryInt32Operators.same, x, y);
}
