/** How an op is one function for both: on tensors it computes; on variables of a tape it also says how to go back. */
import { type Backend, BackendError, type DType, enroll, scope, type Tensor } from "@normless/tensor";
import { type Gradients, onTape, tapeAmong, type Value, Variable } from "./tape.js";

/** What an op gives for operands A and B: a variable where one of them is one, else a tensor. */
export type Result<A, B = Tensor> = [A] extends [Variable]
  ? Variable
  : [B] extends [never]
    ? Result<A>
    : [B] extends [Variable]
      ? Variable
      : [Extract<A | B, Variable>] extends [never]
        ? Tensor
        : Value;

/** The tensors of operands, in their order; one that was left out stays undefined. */
export type TensorsOf<P extends readonly (Value | undefined)[]> = {
  readonly [I in keyof P]: undefined extends P[I] ? Tensor | undefined : Tensor;
};
/** The operands as variables of one tape, in their order. */
export type VariablesOf<P extends readonly (Value | undefined)[]> = {
  readonly [I in keyof P]: undefined extends P[I] ? Variable | undefined : Variable;
};

/** What an op has computed. */
export interface Computed<P extends readonly (Value | undefined)[]> {
  /** Its output, then what the gradient wants kept. */
  readonly made: readonly [Tensor, ...Tensor[]];
  /** Adds what the gradient of the output, `dy`, is worth to the operands to theirs. Absent where nothing flows back. */
  readonly backward?: (dy: Tensor, gradients: Gradients, operands: VariablesOf<P>, output: Variable) => void;
}

/**
 * Computes an op. Where an operand is on a tape the result is, too, with its way back; else it is a tensor, the caller's.
 * @throws BackendError where there is no operand, or they are on two tapes
 */
export function apply<const P extends readonly (Value | undefined)[], R extends Value>(
  op: string,
  operands: P,
  compute: (tensors: TensorsOf<P>, backend: Backend) => Computed<P>,
): R {
  const tape = tapeAmong(op, operands);
  // Without a tape the operands are tensors.
  if (!tape) {
    const { made } = compute(operands as unknown as TensorsOf<P>, backendAmong(op, operands));
    for (let i = 1; i < made.length; i++) made[i].free();
    return enroll(made[0]) as Value as R;
  }
  const tensors = operands.map((value) => value && tensorOf(value)) as unknown as TensorsOf<P>;
  const variables = operands.map((value) => value && onTape(tape, value));
  const { made, backward } = compute(tensors, tape.backend);
  const parents = backward ? variables : [];
  const output: Variable = tape.record(made, parents, (dy, gradients) => {
    backward?.(dy, gradients, variables as unknown as VariablesOf<P>, output);
  });
  return output as Value as R;
}

/**
 * An op made of others: `build` is given the operands, all on the tape where one is; what it makes on the way goes at its end,
 * unless the tape records. @throws what `apply` does
 */
export function compose<const P extends readonly (Value | undefined)[], R extends Value>(
  op: string,
  operands: P,
  build: (...operands: VariablesOf<P>) => Value,
): R {
  const tape = tapeAmong(op, operands);
  // On tensors `build` gets tensors; every op that it may call takes both.
  if (!tape) {
    const y = tensorOf(scope(() => build(...(operands as unknown as VariablesOf<P>))));
    // The result is the caller's to free: where that is an operand as it was, another look at it.
    return (operands.includes(y) ? enroll(y.backend.reshape(y, y.shape)) : y) as Value as R;
  }
  const variables = operands.map((value) => value && onTape(tape, value)) as unknown as VariablesOf<P>;
  return tape.scope(() => build(...variables) as Variable) as Value as R;
}

/** The tensor of a value. */
export function tensorOf(value: Value): Tensor {
  return value instanceof Variable ? value.tensor : value;
}

/** The backend of the first operand. @throws BackendError where there is none */
export function backendAmong(op: string, operands: readonly (Value | undefined)[]): Backend {
  for (const value of operands) if (value) return tensorOf(value).backend;
  throw new BackendError(`${op}: there is no operand`);
}

/** A tensor that an op makes for itself, where `like` is: on its tape, which frees it, or in the scope around. */
export function constantBeside(like: Value, tensor: Tensor): Value {
  return like instanceof Variable ? like.tape.record([tensor], [], () => undefined) : enroll(tensor);
}

/** A number as a constant of shape [], where `like` is. */
export function numberBeside(like: Value, value: number, dtype: DType): Value {
  const { backend } = tensorOf(like);
  return constantBeside(like, backend.run("full", {}, { shape: [], value, dtype }).y);
}
