/**
 * What a kernel is, apart from how any backend does it: named operands, attributes, the rule that gives the
 * outputs' shapes (and refuses what does not fit), and a naive loop, which is the oracle of every test.
 */
import type { TensorData, TensorSpec } from "../dtype.js";
import type { Shape } from "../shape.js";

/** All that shape inference needs to know of an operand. */
export interface Shaped {
  readonly shape: Shape;
}

/** An operand as a naive loop sees it: row-major values and their shape. */
export interface View extends Shaped {
  readonly data: TensorData;
}

/** Required operands `I` and optional ones `P`, each of type `X`. */
export type Operands<I extends string, P extends string, X> = { readonly [K in I]: X } & {
  readonly [K in P]?: X | undefined;
};

/** A kernel's operands, shapes and naive loop: inputs `I`, optional ones `P`, attributes `A`, outputs `O`. */
export interface Contract<I extends string, P extends string, A, O extends string> {
  readonly inputs: readonly I[];
  readonly optional: readonly P[];
  readonly outputs: readonly O[];
  /** Inputs that are int32; all others are float32, as every output is. */
  readonly integers: readonly (I | P)[];
  /** Inputs that are changed in place. */
  readonly mutates: readonly I[];
  /** Shapes of the outputs. @throws ShapeError naming the op, the shapes and the fix. */
  infer(inputs: Operands<I, P, Shaped>, attributes: A): { readonly [K in O]: TensorSpec };
  /** Plain loops that accumulate in float64. Outputs come zeroed. */
  naive(inputs: Operands<I, P, View>, attributes: A, outputs: { readonly [K in O]: View }): void;
}

/** Declares a contract; `optional`, `integers` and `mutates` default to none. */
export function contract<A>() {
  return <I extends string, O extends string, P extends string = never>(
    spec: Omit<Contract<I, P, A, O>, "optional" | "integers" | "mutates"> & {
      readonly optional?: readonly P[];
      readonly integers?: readonly NoInfer<I | P>[];
      readonly mutates?: readonly NoInfer<I>[];
    },
  ): Contract<I, P, A, O> => ({ optional: [], integers: [], mutates: [], ...spec });
}

/** For a kernel without attributes. */
export type None = Readonly<Record<never, never>>;

/** An output of this shape. */
export function float32(shape: Shape): TensorSpec {
  return { shape, dtype: "float32" };
}
