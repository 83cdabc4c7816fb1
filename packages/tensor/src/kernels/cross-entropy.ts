/**
 * The language-model head and its loss in one: loss = lse(x·wᵀ + bias) − logit of the target, in nats, a token at a
 * time. The logits, (rows,V), are never kept: backends go through rows in chunks, forward and backward.
 */
import { ShapeError } from "../errors.js";
import { lastDim, rowsOf, sizeOf } from "../shape.js";
import type { Shaped } from "./contract.js";
import { contract, float32, type None, type View } from "./contract.js";

function check(op: string, x: Shaped, w: Shaped, bias: Shaped | undefined, targets: Shaped): void {
  const shapes = { x: x.shape, w: w.shape, targets: targets.shape, ...(bias && { bias: bias.shape }) };
  if (w.shape.length !== 2 || lastDim(x.shape) !== w.shape[1]) {
    throw new ShapeError(
      op,
      "x is (...,C), w is (V,C)",
      shapes,
      "A head stored as (C,V) must be transposed first.",
    );
  }
  if (bias && sizeOf(bias.shape) !== w.shape[0]) throw new ShapeError(op, "the bias is (V)", shapes);
  if (sizeOf(targets.shape) !== rowsOf(x.shape)) {
    throw new ShapeError(op, "there is one target a row of x", shapes);
  }
}

function logitsOf(x: View, w: View, bias: View | undefined, n: number): Float64Array {
  const [V, C] = w.shape as [number, number];
  const logits = new Float64Array(V);
  for (let t = 0; t < V; t++) {
    let sum = bias ? bias.data[t] : 0;
    for (let c = 0; c < C; c++) sum += x.data[n * C + c] * w.data[t * C + c];
    logits[t] = sum;
  }
  return logits;
}

/** Log of the summed exponentials of a row of logits. */
function logSumExp(logits: Float64Array): number {
  const max = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  return max + Math.log(logits.reduce((a, b) => a + Math.exp(b - max), 0));
}

/** x (...,C), w (V,C), bias? (V), targets int32 (...) → loss (...) in nats. */
export const linearCrossEntropy = contract<None>()({
  inputs: ["x", "w", "targets"],
  integers: ["targets"],
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
  integers: ["targets"],
  optional: ["bias"],
  outputs: ["loss", "dx", "dw", "dbias"],
  infer({ dloss, x, w, bias, targets }) {
    check("linearCrossEntropyGrad", x, w, bias, targets);
    if (sizeOf(dloss.shape) !== rowsOf(x.shape)) {
      throw new ShapeError("linearCrossEntropyGrad", "dloss has one value a row of x", {
        dloss: dloss.shape,
        x: x.shape,
      });
    }
    const loss = float32(x.shape.slice(0, -1));
    return { loss, dx: float32(x.shape), dw: float32(w.shape), dbias: float32([w.shape[0]]) };
  },
  naive({ dloss, x, w, bias, targets }, _attributes, { loss, dx, dw, dbias }) {
    const [V, C] = w.shape as [number, number];
    for (let n = 0; n < rowsOf(x.shape); n++) {
      const logits = logitsOf(x, w, bias, n);
      const lse = logSumExp(logits);
      loss.data[n] = lse - logits[targets.data[n]];
      for (let t = 0; t < V; t++) {
        const g = dloss.data[n] * (Math.exp(logits[t] - lse) - (targets.data[n] === t ? 1 : 0));
        dbias.data[t] += g;
        for (let c = 0; c < C; c++) {
          dx.data[n * C + c] += g * w.data[t * C + c];
          dw.data[t * C + c] += g * x.data[n * C + c];
        }
      }
    }
  },
});
