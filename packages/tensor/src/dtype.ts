/** What a tensor holds, wherever that is: of which kind its values are, and the arrays in which they come and go. */
import type { Shape } from "./shape.js";

/** The kinds of values: float32 for all that is computed, int32 for ids and position classes. */
export type DType = "float32" | "int32";
/** What `read` gives: Float64Array only from the reference backend, which keeps float32 tensors in float64. */
export type TensorData = Float32Array | Float64Array | Int32Array;
/** All that is known of a tensor before there is one. */
export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}
