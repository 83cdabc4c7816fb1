/**
 * The language-model head and its loss in one: loss = lse(x·wᵀ + bias) − logit of the target, in nats, a token at a
 * time. The logits, (rows,V), are never kept: backends go through rows in chunks, forward and backward.
 */
import { ShapeError } from "../errors.js";
import { rowsOf, sizeOf } from "../shape.js";
import type { Shaped } from "./contract.js";
import { contract, float32, type None, INT32 } from "./contract.js";
import { addHeadGradient, checkHead, checkLossGradient, logitsOf, logSumExp } from "./head.js";

function check(op: string, x: Shaped, w: Shaped, bias: Shaped | undefined, targets: Shaped): void {
  checkHead(op, x, w, bias);
  if (sizeOf(targets.shape) !== rowsOf(x.shape)) {
    throw new ShapeError(op, "there is one target a row of x", { x: x.shape, targets: targets.shape });
  }
}

/** x (...,C), w (V,C), bias? (V), targets int32 (...) → loss (...) in nats. */
export const linearCrossEntropy = contract<None>()({
  inputs: ["x", "w", "targets"],
  dtypes: { targets: INT32 },
  optional: ["bias"],
  outputs: ["loss"],
  infer({ x, w, bias, targets }) {
    check("linearCrossEntropy", x, w, bias, targets);
    return { loss: float32(x.shape.slice(0, -1)) };
  },
  naive({ x, w, bias, targets }, _attributes, { loss }) {
    for (let n = 0; n < rowsOf(x.shape); n++) {
      const logits = logitsOf(x, w, bias, n);
      loss.data[n] = logSumExp(logits) - logits[targets.data[n]];
    }
  },
});

/**
 * The loss again, and the gradient of Σ dloss·loss: dlogits = dloss·(softmax − onehot(target)); dx = dlogits·w,
 * dw = dlogitsᵀ·x, dbias = Σ dlogits. Both at once, so that a step whose dloss is known makes the logits only once.
 */
export const linearCrossEntropyGrad = contract<None>()({
  inputs: ["dloss", "x", "w", "targets"],
  dtypes: { targets: INT32 },
  optional: ["bias"],
  outputs: ["loss", "dx", "dw", "dbias"],
  infer({ dloss, x, w, bias, targets }) {
    check("linearCrossEntropyGrad", x, w, bias, targets);
    checkLossGradient("linearCrossEntropyGrad", dloss, x);
    const loss = float32(x.shape.slice(0, -1));
    return { loss, dx: float32(x.shape), dw: float32(w.shape), dbias: float32([w.shape[0]]) };
  },
  naive({ dloss, x, w, bias, targets }, _attributes, { loss, dx, dw, dbias }) {
    for (let n = 0; n < rowsOf(x.shape); n++) {
      const logits = logitsOf(x, w, bias, n);
      const lse = logSumExp(logits);
      const target = targets.data[n];
      loss.data[n] = lse - logits[target];
      const dlogits = logits.map(
        (logit, t) => dloss.data[n] * (Math.exp(logit - lse) - (t === target ? 1 : 0)),
      );
      addHeadGradient(dlogits, n, { x, w }, { dx, dw, dbias });
    }
  },
});
