/** y = x·w + bias and its gradients; see the contract in @normless/tensor for layouts and `columns`. */
import { lastDim, type LinearAttributes } from "@normless/tensor";
import { apply, type Result } from "../apply.js";
import type { Value } from "../tape.js";

/** x (...,K), w (K,M) or with `transposeW` (M,K), bias (M) → (...,M), or only the `columns` asked for. */
export function linear<X extends Value, W extends Value>(
  x: X,
  w: W,
  bias?: Value,
  attributes: LinearAttributes = {},
): Result<X, W> {
  return apply("linear", [x, w, bias], ([x, w, bias], backend) => ({
    made: [backend.run("linear", { x, w, bias }, attributes).y],
    backward(dy, gradients, [xv, wv, bv]) {
      const M = attributes.columns?.of ?? lastDim(dy.shape);
      const columns = attributes.columns ?? { begin: 0, end: M, of: M };
      gradients.add("linearGradInput", { dy, w }, attributes, { dx: xv });
      gradients.add("linearGradWeight", { x, dy }, attributes, { dw: wv });
      if (bv) gradients.add("linearGradBias", { dy }, { columns }, { dbias: bv });
    },
  }));
}
