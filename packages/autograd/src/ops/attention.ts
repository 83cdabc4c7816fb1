/** Causal multi-head attention that keeps only its output and one log-sum a row. */
import { onTape, tapeOf, type Value, type Variable } from "../tape.js";

/** q, k, v (B,T,C) with heads side by side → (B,T,C). */
export function attention(q: Value, k: Value, v: Value, { heads }: { readonly heads: number }): Variable {
  const tape = tapeOf("attention", q, k, v);
  const [qv, kv, vv] = [q, k, v].map((value) => onTape(tape, value));
  const inputs = { q: qv.tensor, k: kv.tensor, v: vv.tensor };
  const { y, lse } = tape.backend.run("attention", inputs, { heads });
  return tape.record([y, lse], [qv, kv, vv], (dy, gradients) => {
    gradients.add("attentionGrad", { dy, ...inputs, y, lse }, { heads }, { dq: qv, dk: kv, dv: vv });
  });
}
