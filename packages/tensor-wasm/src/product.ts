/** What a matrix product is asked for with: by kernels of the engine, and of whatever does products in its place. */

/** One matrix product on the engine's memory. */
export interface Product {
  /** C (M,N) (+)= A (M,K) · B (K,N) + bias. */
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly a: Matrix;
  readonly b: Matrix;
  readonly c: Omit<Matrix, "transposed">;
  readonly add: boolean;
  /** N floats, or 0 for none. */
  readonly bias?: number;
}

/** A matrix of float32 on the engine's memory. */
export interface Matrix {
  /** Of the first value, in bytes from the start of the memory. */
  readonly pointer: number;
  /** Floats from one stored row to the next. */
  readonly stride: number;
  /** The matrix is the transpose of what is stored. */
  readonly transposed?: boolean;
}
