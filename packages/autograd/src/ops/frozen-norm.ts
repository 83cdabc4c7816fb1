/** LayerNorm with a constant std for each position class; no gradient to the constants. */
import type { FrozenNormAttributes, Tensor } from "@normless/tensor";
import { onTape, tapeOf, type Value, type Variable } from "../tape.js";

/** x (...,C), gamma and beta (C), classes int32 (...) → (...,C). */
export function frozenNorm(
  x: Value,
  { gamma, beta, classes }: { readonly gamma: Value; readonly beta: Value; readonly classes: Tensor },
  std: FrozenNormAttributes["std"],
): Variable {
  const tape = tapeOf("frozenNorm", x, gamma, beta);
  const [xv, gv, bv] = [x, gamma, beta].map((value) => onTape(tape, value));
  const inputs = { x: xv.tensor, gamma: gv.tensor, beta: bv.tensor, classes };
  const { y } = tape.backend.run("frozenNorm", inputs, { std });
  return tape.record([y], [xv, gv, bv], (dy, gradients) => {
    const saved = { dy, x: xv.tensor, gamma: gv.tensor, classes };
    gradients.add("frozenNormGrad", saved, { std }, { dx: xv, dgamma: gv, dbeta: bv });
  });
}
