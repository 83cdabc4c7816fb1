/** Causal multi-head attention that keeps only its output and one log-sum a row. */
import { apply, type Result } from "../apply.js";
import type { Value } from "../tape.js";

/** q, k, v (B,T,C) with heads side by side → (B,T,C). */
export function attention<Q extends Value, K extends Value>(
  q: Q,
  k: K,
  v: Value,
  { heads }: { readonly heads: number },
): Result<Q, K> {
  return apply("attention", [q, k, v], ([q, k, v], backend) => {
    const { y, lse } = backend.run("attention", { q, k, v }, { heads });
    return {
      made: [y, lse],
      backward(dy, gradients, [qv, kv, vv]) {
        gradients.add("attentionGrad", { dy, q, k, v, y, lse }, { heads }, { dq: qv, dk: kv, dv: vv });
      },
    };
  });
}
