/** What goes value by value (native/unary.c). */
import { type DType, type UnaryOp, unaryOperators } from "@normless/tensor";
import { declare, type Prototype } from "../library.js";
import type { Implementation, Operand } from "./implementation.js";
import type { Engine } from "../engine.js";

const floats = (name: string): Prototype =>
  declare(`int unary_${name}(engine *e, float *y, const float *x, int64_t n)`);
const ints = (name: string): Prototype =>
  declare(`int unary_int_${name}(engine *e, int32_t *y, const int32_t *x, int64_t n)`);

const names = Object.keys(unaryOperators) as UnaryOp[];
const takes = (op: UnaryOp): readonly string[] => unaryOperators[op].takes;

/** By what they are of. */
const ofFloats = new Map(
  names.filter((op) => takes(op).includes("float32")).map((op) => [op, floats(op)] as const),
);
const ofInts = new Map(
  names.filter((op) => String(takes(op)) !== "float32").map((op) => [op, ints(op)] as const),
);

const [toBool, toInt32] = [floats("toBool"), floats("toInt32")];
const [intToBool, toFloat32, same] = [ints("toBool"), ints("toFloat32"), ints("same")];

const toHalves = declare("int to_bfloat16(engine *e, uint16_t *y, const float *x, int64_t n)");
const fromHalves = declare("int from_bfloat16(engine *e, float *y, const uint16_t *x, int64_t n)");
const sameHalves = declare("int same_bfloat16(engine *e, uint16_t *y, const uint16_t *x, int64_t n)");

const clampFloats = declare(
  "int clamp(engine *e, float *y, const float *x, int64_t n, double min, double max)",
);
const clampInts = declare(
  "int clamp_int(engine *e, int32_t *y, const int32_t *x, int64_t n, int32_t min, int32_t max)",
);

function each(engine: Engine, kernel: Prototype, x: Operand, y: Operand): void {
  engine.call(kernel, y.pointer, x.pointer, x.size);
}

export const unary: Implementation<"unary"> = {
  run(engine, { x }, { op }, { y }) {
    // The contract has checked that the operator takes the kind.
    each(engine, (x.dtype === "float32" ? ofFloats : ofInts).get(op) as Prototype, x, y);
  },
};

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;

export const clamp: Implementation<"clamp"> = {
  run(engine, { x }, { min, max }, { y }) {
    if (x.dtype === "float32") return engine.call(clampFloats, y.pointer, x.pointer, x.size, min, max);
    // A limit that is no int32 lets through what its whole part does.
    const [least, most] = [min, max].map((limit) =>
      Math.trunc(Math.min(Math.max(limit, INT32_MIN), INT32_MAX)),
    );
    engine.call(clampInts, y.pointer, x.pointer, x.size, least, most);
  },
};

function castOf(from: DType, to: DType): Prototype {
  if (from === "bfloat16") return to === "float32" ? fromHalves : sameHalves;
  if (to === "bfloat16") return toHalves;
  if (from === "float32") return to === "float32" ? same : to === "int32" ? toInt32 : toBool;
  if (to === "float32") return toFloat32;
  return from === "int32" && to === "bool" ? intToBool : same;
}

export const cast: Implementation<"cast"> = {
  run(engine, { x }, { to }, { y }) {
    each(engine, castOf(x.dtype, to), x, y);
  },
};
