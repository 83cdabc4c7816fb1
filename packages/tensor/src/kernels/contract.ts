/**
 * What a kernel is, apart from how any backend does it: named operands, attributes, the rule that gives the
 * outputs' shapes (and refuses what does not fit), and a naive loop, which is the oracle of every test.
 */
import type { DType, TensorData, TensorSpec } from "../dtype.js";
import type { Shape } from "../shape.js";

/** What the rules of a kernel that takes one dtype alone need to know of an operand. */
export interface Shaped {
  readonly shape: Shape;
}

/** An operand as a naive loop sees it: row-major values, their shape and kind. */
export interface View extends TensorSpec {
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
  /** The kinds of values that an input may have, where that is not float32 alone. */
  readonly dtypes: { readonly [K in I | P]?: readonly DType[] };
  /** Inputs that are changed in place. */
  readonly mutates: readonly I[];
  /** Shapes of the outputs. @throws ShapeError naming the op, the shapes and the fix. */
  infer(inputs: Operands<I, P, TensorSpec>, attributes: A): { readonly [K in O]: TensorSpec };
  /** Plain loops that accumulate in float64. Outputs come zeroed. */
  naive(inputs: Operands<I, P, View>, attributes: A, outputs: { readonly [K in O]: View }): void;
}

/** Declares a contract; `optional`, `dtypes` and `mutates` default to none. */
export function contract<A>() {
  return <I extends string, O extends string, P extends string = never>(
    spec: Omit<Contract<I, P, A, O>, "optional" | "dtypes" | "mutates"> & {
      readonly optional?: readonly P[];
      readonly dtypes?: { readonly [K in NoInfer<I | P>]?: readonly DType[] };
      readonly mutates?: readonly NoInfer<I>[];
    },
  ): Contract<I, P, A, O> => ({ optional: [], dtypes: {}, mutates: [], ...spec });
}

/** For a kernel without attributes. */
export type None = Readonly<Record<never, never>>;

/** A float32 output of this shape. */
export function float32(shape: Shape): TensorSpec {
  return { shape, dtype: "float32" };
}

/** What an operand may be: numbers that are added up, as opposed to conditions. */
export const NUMBERS: readonly DType[] = ["float32", "int32"];
/** What is kept from one step to the next, weights and moments: in full, or in half the memory. */
export const KEPT: readonly DType[] = ["float32", "bfloat16"];
/** Every kind of value that is computed with. */
export const ANY: readonly DType[] = ["float32", "int32", "bool"];
/** Conditions. */
export const BOOL: readonly DType[] = ["bool"];
/** Ids, counts and places. */
export const INT32: readonly DType[] = ["int32"];
