/**
 * The language-model head and its loss in one: loss = lse(x·wᵀ + bias) − logit of the target, in nats, a token at a
 * time. The logits, (rows,V), are never kept: backends go through rows in chunks, forward and backward.
 */
import { ShapeError } from "../errors.js";
import { lastDim, rowsOf, sizeOf } from "../shape.js";
import type { Shaped } from "./contract.js";
import { contract, float32, type View } from "./contract.js";

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

/** x (...,C), w (V,C), bias? (V), targets int32 (...) → loss (...) in nats and lse (...). */
export const linearCrossEntropy = contract<Readonly<Record<never, never>>>()({
  inputs: ["x", "w", "targets"],
  integers: ["targets"],
  optional: ["bias"],
  outputs: ["loss", "lse"],
  infer({ x, w, bias, targets }) {
    check("linearCrossEntropy", x, w, bias, targets);
    const rows = float32(x.shape.slice(0, -1));
    return { loss: rows, lse: rows };
  },
  naive({ x, w, bias, targets }, _attributes, { loss, lse }) {
    for (let n = 0; n < rowsOf(x.shape); n++) {
      const logits = logitsOf(x, w, bias, n);
      const max = logits.reduce((a, b) => Math.max(a, b), -Infinity);
      const total = max + Math.log(logits.reduce((a, b) => a + Math.exp(b - max), 0));
      lse.data[n] = total;
      loss.data[n] = total - logits[targets.data[n]];
    }
  },
});

/** dlogits = dloss·(softmax − onehot(target)); dx = dlogits·w, dw = dlogitsᵀ·x, dbias = Σ dlogits. */
export const linearCrossEntropyGrad = contract<Readonly<Record<never, never>>>()({
  inputs: ["dloss", "x", "w", "targets", "lse"],
  integers: ["targets"],
  optional: ["bias"],
  outputs: ["dx", "dw", "dbias"],
  infer({ dloss, x, w, bias, targets, lse }) {
    check("linearCrossEntropyGrad", x, w, bias, targets);
    if (sizeOf(dloss.shape) !== rowsOf(x.shape) || sizeOf(lse.shape) !== rowsOf(x.shape)) {
      throw new ShapeError("linearCrossEntropyGrad", "dloss and lse have one value a row of x", {
        dloss: dloss.shape,
        lse: lse.shape,
        x: x.shape,
      });
    }
    return { dx: float32(x.shape), dw: float32(w.shape), dbias: float32([w.shape[0]]) };
  },
  naive({ dloss, x, w, bias, targets, lse }, _attributes, { dx, dw, dbias }) {
    const [V, C] = w.shape as [number, number];
    for (let n = 0; n < rowsOf(x.shape); n++) {
      const logits = logitsOf(x, w, bias, n);
      for (let t = 0; t < V; t++) {
        const p = Math.exp(logits[t] - lse.data[n]);
        const g = dloss.data[n] * (p - (targets.data[n] === t ? 1 : 0));
        dbias.data[t] += g;
        for (let c = 0; c < C; c++) {
          dx.data[n * C + c] += g * w.data[t * C + c];
          dw.data[t * C + c] += g * x.data[n * C + c];
        }
      }
    }
  },
});
