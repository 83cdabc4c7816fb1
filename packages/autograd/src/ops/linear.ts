/** y = x·w + bias and its gradients; see the contract in @normless/tensor for layouts and `columns`. */
import { lastDim, type LinearAttributes } from "@normless/tensor";
import { onTape, tapeOf, type Value, type Variable } from "../tape.js";

/** x (...,K), w (K,M) or with `transposeW` (M,K), bias (M) → (...,M), or only the `columns` asked for. */
export function linear(x: Value, w: Value, bias?: Value, attributes: LinearAttributes = {}): Variable {
  const tape = tapeOf("linear", x, w, bias);
  const [xv, wv] = [onTape(tape, x), onTape(tape, w)];
  const bv = bias && onTape(tape, bias);
  const { y } = tape.backend.run("linear", { x: xv.tensor, w: wv.tensor, bias: bv?.tensor }, attributes);
  return tape.record([y], [xv, wv, bv], (dy, gradients) => {
    const M = attributes.columns?.of ?? lastDim(dy.shape);
    const columns = attributes.columns ?? { begin: 0, end: M, of: M };
    gradients.add("linearGradInput", { dy, w: wv.tensor }, attributes, { dx: xv });
    gradients.add("linearGradWeight", { x: xv.tensor, dy }, attributes, { dw: wv });
    if (bv) gradients.add("linearGradBias", { dy }, { columns }, { dbias: bv });
  });
}

/** a (...,K) · b (K,M) → (...,M). */
export function matmul(a: Value, b: Value): Variable {
  return linear(a, b);
}
