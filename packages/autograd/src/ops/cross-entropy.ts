/** The language-model head with its loss, in row chunks: the logits are never kept. */
import type { Tensor } from "@normless/tensor";
import { onTape, tapeOf, type Value, type Variable } from "../tape.js";

/** x (...,C), w (V,C), bias? (V), targets int32 (...) → nats of each token (...). */
export function linearCrossEntropy(
  x: Value,
  { w, bias, targets }: { readonly w: Value; readonly bias?: Value | undefined; readonly targets: Tensor },
): Variable {
  const tape = tapeOf("linearCrossEntropy", x, w, bias);
  const [xv, wv] = [onTape(tape, x), onTape(tape, w)];
  const bv = bias && onTape(tape, bias);
  const inputs = { x: xv.tensor, w: wv.tensor, bias: bv?.tensor, targets };
  const { loss, lse } = tape.backend.run("linearCrossEntropy", inputs, {});
  return tape.record([loss, lse], [xv, wv, bv], (dloss, gradients) => {
    gradients.add("linearCrossEntropyGrad", { ...inputs, dloss, lse }, {}, { dx: xv, dw: wv, dbias: bv });
  });
}
