/** Gradient checkpointing (Chen et al. 2016, arXiv:1604.06174): less memory for one more forward pass. */
import type { Tensor } from "@normless/tensor";
import { Tape, tapeOf, type Variable } from "./tape.js";
import { mapValues, type Variables } from "./value-and-grad.js";

/**
 * `build(inputs)`, of which only the result is kept; the backward pass builds it a second time to go through it. Values
 * and gradients have the same bits as without. `build` may use no other variables, and must compute the same each time.
 * @throws BackendError where no input is on a tape, or they are on two.
 */
export function recompute<K extends string>(
  inputs: Variables<K>,
  build: (inputs: Variables<K>) => Variable,
): Variable {
  const variables = Object.values<Variable>(inputs);
  const tape = tapeOf("recompute", ...variables);
  const { backend } = tape;
  if (!tape.options.record) return tape.scope(() => build(inputs));

  const forward = new Tape(backend, { record: false });
  let y: Tensor;
  try {
    y = forward.keep(build(mapValues(inputs, ({ tensor }) => forward.constant(tensor))));
  } finally {
    forward.free();
  }
  return tape.record([y], variables, (dy, gradients) => {
    const again = new Tape(backend);
    // One leaf a variable, whatever names it has: then its gradients add up in the order that they do without.
    const distinct = [...new Set(variables)];
    const without = distinct.filter((variable) => variable.needsGrad && !gradients.of(variable));
    const leaves = new Map<Variable, Variable>();
    for (const variable of distinct) {
      const { tensor, needsGrad } = variable;
      leaves.set(variable, needsGrad ? again.leaf(tensor, gradients.of(variable)) : again.constant(tensor));
    }
    const leafOf = (variable: Variable) => leaves.get(variable) as Variable;
    try {
      const result = build(mapValues(inputs, leafOf));
      if (!result.needsGrad) return;
      again.backward(result, dy);
      for (const variable of without) gradients.give(variable, again.takeGradient(leafOf(variable)));
    } finally {
      again.free();
    }
  });
}
