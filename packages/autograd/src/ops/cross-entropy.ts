/** The language-model head with its loss, in row chunks: the logits are never kept. */
import type { Tensor } from "@normless/tensor";
import { onTape, type Tape, tapeOf, type Value, type Variable } from "../tape.js";
import { weightedLoss, weightedSum, withWeights } from "./weighted-loss.js";

/** The weight (V,C), a bias (V) and the targets, int32 (...). */
export interface Head {
  readonly w: Value;
  readonly bias?: Value | undefined;
  readonly targets: Tensor;
}

/** x (...,C) → nats of each token (...). Its gradient makes the logits a second time; see weightedCrossEntropy. */
export function linearCrossEntropy(x: Value, head: Head): Variable {
  const tape = tapeOf("linearCrossEntropy", x, head.w, head.bias);
  const { xv, wv, bv, inputs } = operands(tape, x, head);
  const { loss } = tape.backend.run("linearCrossEntropy", inputs, {});
  return tape.record([loss], [xv, wv, bv], (dloss, gradients) => {
    gradients.add("linearCrossEntropyGrad", { ...inputs, dloss }, {}, { dx: xv, dw: wv, dbias: bv });
  });
}

/**
 * weight · Σ nats over all tokens of x (...,C), a scalar. Every token's weight is known beforehand, so the forward pass
 * makes loss and gradient out of the same logits, a fourth less work than linearCrossEntropy and its gradient.
 */
export function weightedCrossEntropy(x: Value, head: Head, weight: number): Variable {
  const tape = tapeOf("weightedCrossEntropy", x, head.w, head.bias);
  const { xv, wv, bv, inputs } = operands(tape, x, head);
  const { backend } = tape;
  const parents = [xv, wv, bv];
  if (!tape.options.record || !parents.some((parent) => parent?.needsGrad)) {
    const { loss } = backend.run("linearCrossEntropy", inputs, {});
    return tape.record([weightedSum(loss, weight)], parents, () => undefined);
  }
  const made = withWeights(xv, weight, (dloss) =>
    backend.run("linearCrossEntropyGrad", { ...inputs, dloss }, {}),
  );
  return weightedLoss(made, { xv, wv, bv }, weight);
}

function operands(tape: Tape, x: Value, { w, bias, targets }: Head) {
  const [xv, wv] = [onTape(tape, x), onTape(tape, w)];
  const bv = bias && onTape(tape, bias);
  return { xv, wv, bv, inputs: { x: xv.tensor, w: wv.tensor, bias: bv?.tensor, targets } };
}
