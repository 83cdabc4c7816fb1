/** What the language-model head's losses share: its operands, its logits, and the way back through it. */
import { ShapeError } from "../errors.js";
import { lastDim, rowsOf, sizeOf } from "../shape.js";
import type { Shaped, View } from "./contract.js";

/** x is (...,C), w is (V,C), the bias, if there is one, (V). @throws ShapeError that names `op`. */
export function checkHead(op: string, x: Shaped, w: Shaped, bias: Shaped | undefined): void {
  const shapes = { x: x.shape, w: w.shape, ...(bias && { bias: bias.shape }) };
  if (w.shape.length !== 2 || lastDim(x.shape) !== w.shape[1]) {
    throw new ShapeError(
      op,
      "x is (...,C), w is (V,C)",
      shapes,
      "A head stored as (C,V) must be transposed first.",
    );
  }
  if (bias && sizeOf(bias.shape) !== w.shape[0]) throw new ShapeError(op, "the bias is (V)", shapes);
}

/** There is one dloss a row of x. @throws ShapeError */
export function checkLossGradient(op: string, dloss: Shaped, x: Shaped): void {
  if (sizeOf(dloss.shape) !== rowsOf(x.shape)) {
    throw new ShapeError(op, "dloss has one value a row of x", { dloss: dloss.shape, x: x.shape });
  }
}

/** Row n of x·wᵀ + bias. */
export function logitsOf(x: View, w: View, bias: View | undefined, n: number): Float64Array {
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
export function logSumExp(logits: Float64Array): number {
  const max = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  return max + Math.log(logits.reduce((a, b) => a + Math.exp(b - max), 0));
}

/** Adds what dlogits, one row of them, gives to the gradients. */
export function addHeadGradient(
  dlogits: Float64Array,
  n: number,
  { x, w }: Readonly<Record<"x" | "w", View>>,
  { dx, dw, dbias }: Readonly<Record<"dx" | "dw" | "dbias", View>>,
): void {
  const [V, C] = w.shape as [number, number];
  for (let t = 0; t < V; t++) {
    const g = dlogits[t];
    dbias.data[t] += g;
    for (let c = 0; c < C; c++) {
      dx.data[n * C + c] += g * w.data[t * C + c];
      dw.data[t * C + c] += g * x.data[n * C + c];
    }
  }
}
