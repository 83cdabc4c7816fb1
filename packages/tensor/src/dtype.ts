/** What a tensor holds, wherever that is: of which kind its values are, and the arrays in which they come and go. */
import type { Shape } from "./shape.js";

/**
 * The kinds of values: float32 for what is computed, int32 for ids and counts, bool for what is true or false. A GPU keeps
 * all of them as float32, so that an int32 is exact there from −2^24 to 2^24; elsewhere its sums and products wrap.
 */
export type DType = "float32" | "int32" | "bool";
/**
 * What `read` gives: Float64Array only from the reference backend, which keeps float32 tensors in float64; Uint8Array of
 * 0 and 1 for bool.
 */
export type TensorData = Float32Array | Float64Array | Int32Array | Uint8Array;
/** All that is known of a tensor before there is one. */
export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** The dtype of a tensor that is made of this array. */
export function dtypeOf(data: TensorData): DType {
  if (data instanceof Int32Array) return "int32";
  return data instanceof Uint8Array ? "bool" : "float32";
}

/** Values as `read` gives those of this dtype: anything but 0 is true. */
export function toDType(values: ArrayLike<number>, dtype: DType): Float32Array | Int32Array | Uint8Array {
  if (dtype === "float32") return Float32Array.from(values);
  if (dtype === "int32") return Int32Array.from(values);
  return Uint8Array.from(values, (value) => (value === 0 ? 0 : 1));
}
