/** What a tensor holds, wherever that is: of which kind its values are, and the arrays in which they come and go. */
import { fromBFloat16, toBFloat16 } from "./bfloat16.js";
import type { Shape } from "./shape.js";

/**
 * The kinds of values: float32 for what is computed, int32 for ids and counts, bool for what is true or false. A GPU keeps
 * all of them as float32, so that an int32 is exact there from −2^24 to 2^24; elsewhere its sums and products wrap. bfloat16
 * is the upper half of a float32, for weights and moments that are kept and never computed in: few kernels take it, and
 * few backends have it (`Backend.dtypes`).
 */
export type DType = "float32" | "int32" | "bool" | "bfloat16";
/**
 * What `read` gives: Float64Array only from the reference backend, which keeps floats in float64; Uint8Array of 0 and 1 for
 * bool; for bfloat16 its values in a Float32Array.
 */
export type TensorData = Float32Array | Float64Array | Int32Array | Uint8Array;
/** All that is known of a tensor before there is one. */
export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Bytes that a value of this kind takes where a backend keeps it: a bool is kept as an int32. */
export function bytesOf(dtype: DType): number {
  return dtype === "bfloat16" ? 2 : 4;
}

/** The dtype of a tensor that is made of this array. */
export function dtypeOf(data: TensorData): DType {
  if (data instanceof Int32Array) return "int32";
  return data instanceof Uint8Array ? "bool" : "float32";
}

/** Values as `read` gives those of this dtype: anything but 0 is true. */
export function toDType(values: ArrayLike<number>, dtype: DType): Float32Array | Int32Array | Uint8Array {
  if (dtype === "float32") return Float32Array.from(values);
  if (dtype === "bfloat16") return fromBFloat16(toBFloat16(values));
  if (dtype === "int32") return Int32Array.from(values);
  return Uint8Array.from(values, (value) => (value === 0 ? 0 : 1));
}
