/** gelu(x·w + bias), the first half of GPT-2's MLP. Keeps the sum as well, which its gradient needs. */
import type { GeluAttributes } from "@normless/tensor";
import { spend } from "../spend.js";
import { onTape, tapeOf, type Value, type Variable } from "../tape.js";

/** x (...,K), w (K,M), bias (M) → (...,M). */
export function linearGelu(
  x: Value,
  w: Value,
  bias: Value,
  gelu: GeluAttributes["approximate"] = "tanh",
): Variable {
  const tape = tapeOf("linearGelu", x, w, bias);
  const [xv, wv, bv] = [onTape(tape, x), onTape(tape, w), onTape(tape, bias)];
  const { backend } = tape;
  const { h, y } = backend.run("linearGelu", { x: xv.tensor, w: wv.tensor, bias: bv.tensor }, { gelu });
  return tape.record([y, h], [xv, wv, bv], (dy, gradients) => {
    spend(backend.run("geluGrad", { dy, x: h }, { approximate: gelu }).dx, (dh) => {
      gradients.add("linearGradInput", { dy: dh, w: wv.tensor }, {}, { dx: xv });
      gradients.add("linearGradWeight", { x: xv.tensor, dy: dh }, {}, { dw: wv });
      gradients.add("linearGradBias", { dy: dh }, {}, { dbias: bv });
    });
  });
}
