/** Gradient checkpointing (Chen et al. 2016, arXiv:1604.06174): less memory for one more forward pass. */
import { Tape, type Variable } from "./tape.js";
import type { Variables } from "./value-and-grad.js";

/**
 * `build(inputs)`, of which only the result is kept; the backward pass builds it a second time to go through it. Values
 * and gradients have the same bits as without. `build` may use no other variables, and must compute the same each time.
 */
export function recompute<K extends string>(
  inputs: Variables<K>,
  build: (inputs: Variables<K>) => Variable,
): Variable {
  const entries = Object.entries<Variable>(inputs);
  const { tape } = entries[0][1];
  const { backend } = tape;
  if (!tape.options.record) return tape.scope(() => build(inputs));
  const on = (make: (variable: Variable) => Variable) =>
    Object.fromEntries(entries.map(([name, variable]) => [name, make(variable)])) as Record<K, Variable>;

  const forward = new Tape(backend, { record: false });
  const result = build(on(({ tensor }) => forward.constant(tensor)));
  const y = forward.keep(result);
  forward.free();
  return tape.record(
    [y],
    entries.map(([, variable]) => variable),
    (dy, gradients) => {
      const again = new Tape(backend);
      const leaves = on((variable) => {
        if (!variable.needsGrad) return again.constant(variable.tensor);
        return again.leaf(variable.tensor, gradients.of(variable));
      });
      try {
        again.backward(build(leaves), dy);
        for (const [name, variable] of entries) {
          if (variable.needsGrad && !gradients.of(variable)) {
            gradients.give(variable, again.takeGradient(leaves[name as K]));
          }
        }
      } finally {
        again.free();
      }
    },
  );
}
