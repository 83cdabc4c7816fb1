/** Filling, adding and scaling, and the sums to a scalar (native/elementwise.c). */
import { type DType, toBFloat16 } from "@normless/tensor";
import type { Engine } from "../engine.js";
import { declare } from "../library.js";
import { flag, type Implementation, type Operand } from "./implementation.js";

const add = declare("int add_to(engine *e, float *y, const float *x, int64_t n)");
const addInt = declare("int add_to_int(engine *e, int32_t *y, const int32_t *x, int64_t n)");
const fillBits = declare("int fill(engine *e, int32_t *y, int32_t value, int64_t n)");
const fillHalves = declare("int fill_bfloat16(engine *e, uint16_t *y, int value, int64_t n)");
const scaleOf = declare(
  "int scale(engine *e, float *y, const float *x, const float *by, int64_t n, double factor, int add)",
);
const sumOf = declare("int sum(engine *e, float *y, const float *x, int64_t n, int add)");
const sumSquaresOf = declare("int sum_squares(engine *e, float *y, const float *x, int64_t n, int add)");

/** y += x, of one shape and kind. */
export function addTo(engine: Engine, y: Operand, x: Operand): void {
  engine.call(y.dtype === "float32" ? add : addInt, y.pointer, x.pointer, y.size);
}

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** A value as it lies in memory; what is not 0 is true. */
function bitsOf(value: number, dtype: DType): number {
  if (dtype === "bool") return value === 0 ? 0 : 1;
  if (dtype === "int32") return value | 0;
  float[0] = value;
  return bits[0];
}

/** Every value becomes this one. */
export function fillWith(engine: Engine, y: Operand, value: number): void {
  const [fill, bits] =
    y.dtype === "bfloat16" ? [fillHalves, toBFloat16([value])[0]] : [fillBits, bitsOf(value, y.dtype)];
  engine.call(fill, y.pointer, bits, y.size);
}

/** y = 0. */
export function zero(engine: Engine, y: Operand): void {
  engine.call(fillBits, y.pointer, 0, y.size);
}

export const fill: Implementation<"fill"> = {
  run: (engine, { x }, { value }) => fillWith(engine, x, value),
};

export const scale: Implementation<"scale"> = {
  accumulates: true,
  run(engine, { x, by }, { factor }, { y }) {
    engine.call(scaleOf, y.pointer, x.pointer, by?.pointer ?? 0, y.size, factor, flag(y.add));
  },
};

export const sum: Implementation<"sum"> = {
  accumulates: true,
  run: (engine, { x }, _attributes, { y }) => engine.call(sumOf, y.pointer, x.pointer, x.size, flag(y.add)),
};

export const sumSquares: Implementation<"sumSquares"> = {
  accumulates: true,
  run: (engine, { x }, _attributes, { total }) =>
    engine.call(sumSquaresOf, total.pointer, x.pointer, x.size, flag(total.add)),
};
