/** Seeded values for cases. Everything is exact in float32, so that all backends start from the same numbers. */
import { type DType, dtypeOf, type TensorData, toDType } from "../dtype.js";
import type { View } from "../kernels/contract.js";
import { type Shape, sizeOf } from "../shape.js";

/** Row-major values and their shape; their kind is the array's, or bfloat16 where that is said. */
export interface Value {
  readonly shape: Shape;
  readonly data: TensorData;
  readonly dtype?: DType;
}

/** The value as a naive loop wants it. */
export function viewOf({ shape, data, dtype = dtypeOf(data) }: Value): View {
  return { shape, dtype, data };
}

/** A small generator (mulberry32) with its state in a closure: uniform in [0, 1). */
export function uniform(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Uniform in ±scale around `center`. */
export function random(shape: Shape, seed: number, scale = 1, center = 0): Value {
  const next = uniform(seed);
  return {
    shape,

    data: Float32Array.from({ length: sizeOf(shape) }, () => center + scale * (2 * next() - 1)),
  };
}

/** Whole numbers from 0 to below `limit`. */
export function integers(shape: Shape, seed: number, limit: number): Value {
  const next = uniform(seed);
  const data = Int32Array.from({ length: sizeOf(shape) }, () => Math.floor(next() * limit));
  return { shape, data };
}

/** These whole numbers; in one row unless a shape is given. */
export function int32(data: readonly number[], shape: Shape = [data.length]): Value {
  return { shape, data: Int32Array.from(data) };
}

/** True or false, one as often as the other. */
export function bools(shape: Shape, seed: number): Value {
  const next = uniform(seed);
  const data = Uint8Array.from({ length: sizeOf(shape) }, () => Number(next() < 0.5));
  return { shape, data };
}

/** These values, rounded to float32; in one row unless a shape is given. */
export function values(data: readonly number[], shape: Shape = [data.length]): Value {
  return { shape, data: Float32Array.from(data) };
}

/** These values, each rounded to a bfloat16, and to be kept as such. */
export function halves({ shape, data }: Value): Value {
  return { shape, data: toDType(data, "bfloat16"), dtype: "bfloat16" };
}

/** `value` everywhere. */
export function constant(shape: Shape, value: number): Value {
  return { shape, data: new Float32Array(sizeOf(shape)).fill(value) };
}

/** A scalar, of shape `[]`. */
export function scalar(value: number): Value {
  return { shape: [], data: Float32Array.of(value) };
}
