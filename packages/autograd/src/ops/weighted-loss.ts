/** Losses of the head whose every token weighs the same, known beforehand: what makes the loss makes its gradient, too. */
import type { OutputsOf, Tensor } from "@normless/tensor";
import { spend } from "../spend.js";
import type { Variable } from "../tape.js";

/** The head's input, its weight and its bias. */
export interface HeadVariables {
  readonly xv: Variable;
  readonly wv: Variable;
  readonly bv: Variable | undefined;
}

/** What `use` makes of `weight` for each row of x (...,C), a tensor (...) that is freed afterwards. */
export function withWeights<R>(x: Variable, weight: number, use: (dloss: Tensor) => R): R {
  const rows = x.shape.slice(0, -1);
  const size = rows.reduce((a, b) => a * b, 1);
  return spend(x.tape.backend.upload(new Float32Array(size).fill(weight), rows), use);
}

/** weight · Σ loss; frees the losses. */
export function weightedSum(loss: Tensor, weight: number): Tensor {
  const { backend } = loss;
  return spend(loss, () =>
    spend(backend.run("sum", { x: loss }, {}).y, (x) => backend.run("scale", { x }, { factor: weight }).y),
  );
}

/** weight · Σ loss as a scalar on the tape; the gradients were made along with it and are handed on. */
export function weightedLoss(
  { loss, dx, dw, dbias }: OutputsOf<"linearCrossEntropyGrad">,
  { xv, wv, bv }: HeadVariables,
  weight: number,
): Variable {
  // On the tape before the sum is made, which may throw.
  xv.tape.record([dx, dw, dbias], [], () => undefined);
  return xv.tape.record([weightedSum(loss, weight)], [xv, wv, bv], (dy, gradients) => {
    gradients.add("scale", { x: dx, by: dy }, { factor: 1 }, { y: xv });
    gradients.add("scale", { x: dw, by: dy }, { factor: 1 }, { y: wv });
    if (bv) gradients.add("scale", { x: dbias, by: dy }, { factor: 1 }, { y: bv });
  });
}
