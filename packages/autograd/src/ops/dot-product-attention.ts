/** Attention as PyTorch has it, over any leading dimensions. GPT-2's own, which keeps no (T,T), is `attention`. */
import { lastDim, ShapeError } from "@normless/tensor";
import { backendAmong, compose, constantBeside, type Result } from "../apply.js";
import type { Value } from "../tape.js";
import { add, eq, le, logicalOr, mul, where } from "./binary.js";
import { arange } from "./indexing.js";
import { matmul } from "./products.js";
import { all, softmax } from "./reductions.js";
import { expand, reshape, unsqueeze } from "./shape.js";
import { logicalNot } from "./unary.js";

/** PyTorch's meanings: what a query may look at, and by how much scores are scaled: 1/√E unless given. */
export interface DotProductAttentionOptions {
  /** Queries see keys up to their own place. Not together with a mask. */
  readonly isCausal?: boolean;
  /** Broadcasts to (...,L,S): bool, true where a query may look, or float32, added to the scores. What sees nothing is 0. */
  readonly mask?: Value | undefined;
  readonly scale?: number;
  /** k and v may have fewer heads than q, in the dimension before L: each serves as many queries' heads in a row. */
  readonly enableGqa?: boolean;
}

/**
 * q (...,L,E), k (...,S,E), v (...,S,D) → (...,L,D): softmax(q·kᵀ·scale)·v. It keeps the (L,S) scores for its gradient.
 * @throws ShapeError where a mask comes with isCausal, heads do not divide, or sizes do not fit
 */
export function scaledDotProductAttention<Q extends Value, K extends Value>(
  q: Q,
  k: K,
  v: Value,
  {
    isCausal = false,
    mask,
    scale = 1 / Math.sqrt(lastDim(q.shape)),
    enableGqa = false,
  }: DotProductAttentionOptions = {},
): Result<Q, K> {
  const shapes = { q: q.shape, k: k.shape, v: v.shape };
  if (isCausal && mask) {
    throw new ShapeError("scaledDotProductAttention", "a mask and isCausal are one too many", shapes);
  }
  return compose("scaledDotProductAttention", [q, k, v, mask], (q, k, v, mask) => {
    const [keys, values] = enableGqa ? [k, v].map((x) => forEachQuery(x, q)) : [k, v];
    const scores = mul(matmul(q, keys, { transposeB: true }), scale);
    if (isCausal) return matmul(softmax(where(causal(scores), scores, -Infinity)), values);
    if (!mask) return matmul(softmax(scores), values);
    // A row that sees nothing is looked at whole, as a softmax of nothing is NaN, and is 0 in the end.
    const hidden = mask.dtype === "bool" ? logicalNot(mask) : eq(mask, -Infinity);
    const blind = all(hidden, -1, { keepdim: true });
    const masked =
      mask.dtype === "bool"
        ? where(logicalOr(mask, blind), scores, -Infinity)
        : add(scores, where(blind, 0, mask));
    return where(blind, 0, matmul(softmax(masked), values));
  });
}

/** (L,S), true where the key's place is not after the query's. */
function causal(scores: Value): Value {
  const [L, S] = scores.shape.slice(-2);
  const backend = backendAmong("scaledDotProductAttention", [scores]);
  const [queries, keys] = [L, S].map((size) => constantBeside(scores, arange(backend, size)));
  return le(keys, unsqueeze(queries, 1));
}

/** x (...,h,S,E) with each head as often as q (...,H,L,E) has heads for it. */
function forEachQuery(x: Value, q: Value): Value {
  const [heads, ...rest] = x.shape.slice(-3);
  const front = x.shape.slice(0, -3);
  const H = q.shape[q.shape.length - 3];
  if (!Number.isInteger(H / heads)) {
    const shapes = { q: q.shape, kv: x.shape };
    throw new ShapeError("scaledDotProductAttention", `${heads} heads do not divide ${H}`, shapes);
  }
  const times = expand(reshape(x, [...front, heads, 1, ...rest]), [...front, heads, H / heads, ...rest]);
  return reshape(times, [...front, H, ...rest]);
}
