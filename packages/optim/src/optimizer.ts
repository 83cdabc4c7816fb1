/** What optimisers have in common, so that a trainer need not know which it has. */
import type { Tensor } from "@normless/tensor";

/** Something of each parameter, by its name. */
export type Named<X> = Readonly<Record<string, X>>;

/** Settings that may change with each update. */
export interface UpdateOptions {
  /** From 0 up. */
  readonly learningRate: number;
  /** Gradients of a larger global norm are scaled down to it; from 0 up, Infinity, no clipping, unless given. */
  readonly maxNorm?: number;
}

/** Changes parameters by their gradients, in place. */
export interface Optimizer {
  /** Updates done so far. */
  readonly step: number;
  /**
   * One update of every parameter; none where the gradients' global norm is not finite. Returns the square of that norm, a
   * scalar on the device, which the caller frees.
   */
  update(grads: Named<Tensor>, options: UpdateOptions): Tensor;
  /** Gives the memory of its own state back; the parameters stay. */
  free(): void;
}
