/** How much attention goes to the first position, without a T×T matrix: it is attention to values that mark it. */
import type { Backend, Tensor } from "@normless/tensor";

/** A query whose attention to the first position is above this share has it as a sink (Baroni et al. 2025, section 5.3). */
export const SINK_SHARE = 0.3;

/** Batch, positions, channels and heads of what a probe measures. */
export interface SinkSizes {
  readonly B: number;
  readonly T: number;
  readonly C: number;
  readonly heads: number;
}

/** Measures layer after layer of one batch; `free` when done. */
export interface SinkProbe {
  /** q, k (B,T,C), heads side by side → attention of every query to the first position, (B,T,H); the caller's. */
  share(q: Tensor, k: Tensor): Tensor;
  free(): void;
}

/** A probe for batches (B,T,C) of a model with so many heads; it holds two tensors until `free`. */
export function sinkProbe(backend: Backend, { B, T, C, heads }: SinkSizes): SinkProbe {
  // 1 in all channels of the first position: softmax(q·kᵀ)·v is then the first column of the softmax, D times a head.
  const marks = new Float32Array(B * T * C);
  for (let b = 0; b < B; b++) marks.fill(1, b * T * C, b * T * C + C);
  const v = backend.upload(marks, [B, T, C]);
  const D = C / heads;
  const first = Float32Array.from({ length: C * heads }, (_, n) =>
    Math.floor(n / heads) === (n % heads) * D ? 1 : 0,
  );
  const w = backend.upload(first, [C, heads]);
  return {
    share(q, k) {
      const { y, lse } = backend.run("attention", { q, k, v }, { heads });
      const { y: share } = backend.run("linear", { x: y, w }, {});
      y.free();
      lse.free();
      return share;
    },
    free() {
      v.free();
      w.free();
    },
  };
}
