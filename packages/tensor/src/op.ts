/** An op that is not in the table of kernels: whoever needs one writes it, and every engine runs it. */
import type { Operand, Program, Result } from "./passes.js";
import type { Contract, Operands } from "./kernels/contract.js";

/** How an op becomes passes on a GPU, for operands of these shapes. */
export type OpBuild<I extends string, P extends string, A, O extends string> = (
  operands: Operands<I, P, Operand>,
  attributes: A,
  outputs: { readonly [N in O]: Result },
) => Program;

/**
 * A contract with a name, and kernels where there are any. What has none runs its naive loop on the host, which costs a read
 * and an upload each time where values are on a device.
 */
export interface Op<I extends string, P extends string, A, O extends string> extends Contract<I, P, A, O> {
  /** Short, for messages and for the names of its kernels. */
  readonly name: string;
  /** In gpu.js: for all of its modes, and where there is no `wgsl` for WebGPU that was made with `overrides: false`. */
  readonly gpu?: OpBuild<I, P, A, O>;
  /** By hand, for WebGPU. */
  readonly wgsl?: OpBuild<I, P, A, O>;
}

/** An op's names and attributes erased, for code that treats all alike. */
export type AnyOp = Op<string, string, object, string>;

/** Declares an op; `optional`, `dtypes` and `mutates` default to none. It is run by Backend's `runOp`. */
export function op<A>() {
  return <I extends string, O extends string, P extends string = never>(
    spec: Omit<Op<I, P, A, O>, "optional" | "dtypes" | "mutates"> &
      Partial<Pick<Op<I, P, A, O>, "optional" | "dtypes" | "mutates">>,
  ): Op<I, P, A, O> => ({ optional: [], dtypes: {}, mutates: [], ...spec });
}

const said = new WeakMap<object, Set<string>>();

/** Says, once for each op, that a backend has no kernel of its own for it. */
export function sayOnHost(backend: { readonly name: string }, { name }: { readonly name: string }): void {
  const ops = said.get(backend) ?? new Set();
  if (ops.has(name)) return;
  said.set(backend, ops.add(name));
  console.warn(`normless: ${backend.name} has no kernel for ${name}; the host computes it.`);
}
