/** LayerNorm with a constant std for each position class; no gradient to the constants. */
import type { FrozenNormAttributes, Tensor } from "@normless/tensor";
import { apply, type Result } from "../apply.js";
import type { Value } from "../tape.js";

/** x (...,C), gamma and beta (C), classes int32 (...) → (...,C). */
export function frozenNorm<X extends Value, G extends Value>(
  x: X,
  { gamma, beta, classes }: { readonly gamma: G; readonly beta: Value; readonly classes: Tensor },
  std: FrozenNormAttributes["std"],
): Result<X, G> {
  return apply("frozenNorm", [x, gamma, beta], ([x, gamma, beta], backend) => ({
    made: [backend.run("frozenNorm", { x, gamma, beta, classes }, { std }).y],
    backward(dy, gradients, [xv, gv, bv]) {
      gradients.add("frozenNormGrad", { dy, x, gamma, classes }, { std }, { dx: xv, dgamma: gv, dbeta: bv });
    },
  }));
}
