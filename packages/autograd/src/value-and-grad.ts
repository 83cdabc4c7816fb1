/** Functions of named parameters: their value with every gradient, or their value alone. */
import { type Backend, BackendError, type Tensor } from "@normless/tensor";
import { Tape, type Variable } from "./tape.js";

/** Tensors by name: what a function is differentiated by, or its gradients. */
export type Parameters<K extends string = string> = Readonly<Record<K, Tensor>>;
/** Variables by name: the parameters as the function is given them, on a tape. */
export type Variables<K extends string = string> = Readonly<Record<K, Variable>>;

function backendOf(op: string, params: Parameters): Backend {
  const [first] = Object.values(params);
  if (!first) throw new BackendError(`${op}: there are no parameters`);
  return first.backend;
}

/** The same names with other values. */
export function mapValues<K extends string, X, Y>(
  record: Readonly<Record<K, X>>,
  map: (value: X, key: K) => Y,
): Record<K, Y> {
  const entries = Object.entries<X>(record).map(([key, value]) => [key, map(value, key as K)] as const);
  return Object.fromEntries(entries) as Record<K, Y>;
}

/**
 * The scalar `fn(params)` and d value/d param for every parameter. Given `gradients` are added to (which is how
 * micro-batches accumulate) and returned; otherwise they are new and the caller's. The value is the caller's, too.
 * @throws Error of `fn`, or of the backend; nothing is left then, but given gradients may have been added to
 */
export function valueAndGrad<K extends string>(
  fn: (variables: Variables<K>) => Variable,
  params: Parameters<K>,
  gradients?: Parameters<K>,
): { readonly value: Tensor; readonly grads: Parameters<K> } {
  const tape = new Tape(backendOf("valueAndGrad", params));
  let value: Tensor | undefined;
  try {
    const leaves = mapValues(params, (tensor, name) => tape.leaf(tensor, gradients?.[name]));
    const loss = fn(leaves);
    value = tape.keep(loss);
    tape.backward(loss);
    return { value, grads: gradients ?? mapValues(leaves, (leaf) => tape.takeGradient(leaf)) };
  } catch (error) {
    value?.free();
    throw error;
  } finally {
    tape.free();
  }
}

/** `fn(params)` without gradients; all intermediates are freed. The result is the caller's. */
export function evaluate<K extends string>(
  fn: (variables: Variables<K>) => Variable,
  params: Parameters<K>,
): Tensor {
  const tape = new Tape(backendOf("evaluate", params), { record: false });
  try {
    return tape.keep(fn(mapValues(params, (tensor) => tape.constant(tensor))));
  } finally {
    tape.free();
  }
}
