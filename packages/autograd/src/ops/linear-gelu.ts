/** gelu(x·w + bias), the first half of GPT-2's MLP. Keeps the sum as well, which its gradient needs. */
import type { GeluAttributes } from "@normless/tensor";
import { apply, type Result } from "../apply.js";
import { spend } from "../spend.js";
import type { Value } from "../tape.js";

/** x (...,K), w (K,M), bias (M) → (...,M). */
export function linearGelu<X extends Value, W extends Value>(
  x: X,
  w: W,
  bias: Value,
  gelu: GeluAttributes["approximate"] = "tanh",
): Result<X, W> {
  return apply("linearGelu", [x, w, bias], ([x, w, bias], backend) => {
    const { h, y } = backend.run("linearGelu", { x, w, bias }, { gelu });
    return {
      made: [y, h],
      backward(dy, gradients, [xv, wv, bv]) {
        spend(backend.run("geluGrad", { dy, x: h }, { approximate: gelu }).dx, (dh) => {
          gradients.add("linearGradInput", { dy: dh, w }, {}, { dx: xv });
          gradients.add("linearGradWeight", { x, dy: dh }, {}, { dw: wv });
          gradients.add("linearGradBias", { dy: dh }, {}, { dbias: bv });
        });
      },
    };
  });
}
