/** Losses of the head whose every token weighs the same, known beforehand: what makes the loss makes its gradient, too. */
import type { OutputsOf, Tensor } from "@normless/tensor";
import type { Variable } from "../tape.js";

/** The head's input, its weight and its bias. */
export interface HeadVariables {
  readonly xv: Variable;
  readonly wv: Variable;
  readonly bv: Variable | undefined;
}

/** `weight` for each row of x (...,C): (...), the caller's. */
export function weightOfEach(x: Variable, weight: number): Tensor {
  const rows = x.shape.slice(0, -1);
  const size = rows.reduce((a, b) => a * b, 1);
  return x.tape.backend.upload(new Float32Array(size).fill(weight), rows);
}

/** weight · Σ loss; frees the losses. */
export function weightedSum(loss: Tensor, weight: number): Tensor {
  const { backend } = loss;
  const total = backend.run("sum", { x: loss }, {}).y;
  const { y } = backend.run("scale", { x: total }, { factor: weight });
  loss.free();
  total.free();
  return y;
}

/** weight · Σ loss as a scalar on the tape; the gradients were made along with it and are handed on. */
export function weightedLoss(
  { loss, dx, dw, dbias }: OutputsOf<"linearCrossEntropyGrad">,
  { xv, wv, bv }: HeadVariables,
  weight: number,
): Variable {
  return xv.tape.record([weightedSum(loss, weight), dx, dw, dbias], [xv, wv, bv], (dy, gradients) => {
    gradients.add("scale", { x: dx, by: dy }, { factor: 1 }, { y: xv });
    gradients.add("scale", { x: dw, by: dy }, { factor: 1 }, { y: wv });
    if (bv) gradients.add("scale", { x: dbias, by: dy }, { factor: 1 }, { y: bv });
  });
}
