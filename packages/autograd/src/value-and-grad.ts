/** Functions of named parameters: their value with every gradient, or their value alone. */
import { type Backend, BackendError, scope, type Tensor } from "@normless/tensor";
import { onTape, Tape, type Value, Variable } from "./tape.js";

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
 * micro-batches accumulate) and returned; otherwise they are new and the caller's. The value is the caller's, too. What `fn`
 * makes beside the tape goes at its end. When it throws nothing is left, but given gradients may have been added to.
 * @throws BackendError where there are no parameters, or the value is not a scalar that depends on one
 */
export function valueAndGrad<K extends string>(
  fn: (variables: Variables<K>) => Value,
  params: Parameters<K>,
  gradients?: Parameters<K>,
): { readonly value: Tensor; readonly grads: Parameters<K> } {
  return scope(() => {
    const tape = new Tape(backendOf("valueAndGrad", params));
    try {
      const leaves = mapValues(params, (tensor, name) => tape.leaf(tensor, gradients?.[name]));
      const loss = onTape(tape, fn(leaves));
      const value = tape.keep(loss);
      tape.backward(loss);
      return { value, grads: gradients ?? mapValues(leaves, (leaf) => tape.takeGradient(leaf)) };
    } finally {
      tape.free();
    }
  });
}

/** The gradients alone: what `valueAndGrad` gives beside the value. @throws what it throws */
export function grad<K extends string>(
  fn: (variables: Variables<K>) => Value,
  params: Parameters<K>,
): Parameters<K> {
  const { value, grads } = valueAndGrad(fn, params);
  value.free();
  return grads;
}

/**
 * `fn(params)` of any shape, and Σ dy·d value/d param for every parameter, where `dy`, of the value's shape, is what each of
 * its values weighs: the vector-Jacobian product. All are the caller's. There is no gradient of a gradient.
 * @throws ShapeError for a `dy` of another shape, and what `valueAndGrad` throws
 */
export function vjp<K extends string>(
  fn: (variables: Variables<K>) => Value,
  params: Parameters<K>,
  dy: Tensor,
): { readonly value: Tensor; readonly grads: Parameters<K> } {
  return scope(() => {
    const tape = new Tape(backendOf("vjp", params));
    try {
      const leaves = mapValues(params, (tensor) => tape.leaf(tensor));
      const result = onTape(tape, fn(leaves));
      const value = tape.keep(result);
      tape.backward(result, dy);
      return { value, grads: mapValues(leaves, (leaf) => tape.takeGradient(leaf)) };
    } finally {
      tape.free();
    }
  });
}

/** The same values without a past: a constant of the same tape, through which no gradient flows. */
export function detach<X extends Value>(x: X): X {
  return (x instanceof Variable ? x.tape.constant(x.tensor) : x) as X;
}

/** `fn(params)` without gradients; all intermediates are freed. The result is the caller's. */
export function evaluate<K extends string>(
  fn: (variables: Variables<K>) => Value,
  params: Parameters<K>,
): Tensor {
  return scope(() => {
    const tape = new Tape(backendOf("evaluate", params), { record: false });
    try {
      return tape.keep(onTape(tape, fn(mapValues(params, (tensor) => tape.constant(tensor)))));
    } finally {
      tape.free();
    }
  });
}
