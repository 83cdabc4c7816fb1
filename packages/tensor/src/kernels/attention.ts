/**
 * Causal multi-head attention: y = softmax(q·kᵀ/√D)·v by head, heads side by side in the channels. Query i of Tq sees
 * keys 0 to i + (keys − Tq), so that the last query always sees every key (with a cache, Tq is 1). No backend may keep a T×T
 * result: `lse`, the log of each row's sum of exponentials, is all that the gradient needs (Dao et al. 2022).
 */
import { ShapeError } from "../errors.js";
import { sameShape } from "../shape.js";
import type { Shaped } from "./contract.js";
import { contract, float32 } from "./contract.js";

/** How channels divide into heads, and how many keys there are. */
export interface AttentionAttributes {
  /** H; C must be a multiple. */
  readonly heads: number;
  /** How many rows of k and v count, from the first; default all. A cache has room for more than it holds. */
  readonly keys?: number;
}

function dims(op: string, q: Shaped, k: Shaped, v: Shaped, { heads, keys }: AttentionAttributes) {
  const shapes = { q: q.shape, k: k.shape, v: v.shape };
  if (q.shape.length !== 3 || !sameShape(k.shape, v.shape) || k.shape.length !== 3) {
    throw new ShapeError(op, "q is (B,Tq,C), k and v are (B,Tk,C)", shapes);
  }
  const [B, Tq, C] = q.shape as [number, number, number];
  const capacity = k.shape[1];
  const Tk = keys ?? capacity;
  if (k.shape[0] !== B || k.shape[2] !== C) throw new ShapeError(op, "q and k differ in B or C", shapes);
  if (C % heads !== 0) throw new ShapeError(op, `${C} channels do not divide into ${heads} heads`, shapes);
  if (Tk < Tq || Tk > capacity) throw new ShapeError(op, `${Tk} keys for ${Tq} queries`, shapes);
  return { B, Tq, Tk, C, H: heads, D: C / heads, capacity };
}

/** q (B,Tq,C), k, v (B,Tk,C) → y (B,Tq,C), lse (B,H,Tq). */
export const attention = contract<AttentionAttributes>()({
  inputs: ["q", "k", "v"],
  outputs: ["y", "lse"],
  infer({ q, k, v }, attributes) {
    const { B, H, Tq } = dims("attention", q, k, v, attributes);
    return { y: float32(q.shape), lse: float32([B, H, Tq]) };
  },
  naive({ q, k, v }, attributes, { y, lse }) {
    const { B, Tq, Tk, C, H, D, capacity } = dims("attention", q, k, v, attributes);
    for (let b = 0; b < B; b++) {
      for (let h = 0; h < H; h++) {
        for (let i = 0; i < Tq; i++) {
          const visible = i + 1 + Tk - Tq;
          const at = (b * Tq + i) * C + h * D;
          const scores = new Float64Array(visible);
          for (let j = 0; j < visible; j++) {
            for (let d = 0; d < D; d++)
              scores[j] += q.data[at + d] * k.data[(b * capacity + j) * C + h * D + d];
            scores[j] /= Math.sqrt(D);
          }
          const max = scores.reduce((a, s) => Math.max(a, s), -Infinity);
          const sum = scores.reduce((a, s) => a + Math.exp(s - max), 0);
          lse.data[(b * H + h) * Tq + i] = max + Math.log(sum);
          for (let d = 0; d < D; d++) {
            let out = 0;
            for (let j = 0; j < visible; j++) {
              out += (Math.exp(scores[j] - max) / sum) * v.data[(b * capacity + j) * C + h * D + d];
            }
            y.data[at + d] = out;
          }
        }
      }
    }
  },
});

/** With P = exp(S − lse): dv = Pᵀ·dy, dS = P·(dy·vᵀ − Σ dy·y), dq = dS·k/√D, dk = dSᵀ·q/√D. */
export const attentionGrad = contract<Pick<AttentionAttributes, "heads">>()({
  inputs: ["dy", "q", "k", "v", "y", "lse"],
  outputs: ["dq", "dk", "dv"],
  infer({ dy, q, k, v, y, lse }, attributes) {
    const { B, H, Tq } = dims("attentionGrad", q, k, v, attributes);
    if (!sameShape(dy.shape, q.shape) || !sameShape(y.shape, q.shape) || !sameShape(lse.shape, [B, H, Tq])) {
      throw new ShapeError("attentionGrad", "dy and y are (B,Tq,C), lse is (B,H,Tq)", {
        q: q.shape,
        dy: dy.shape,
        y: y.shape,
        lse: lse.shape,
      });
    }
    return { dq: float32(q.shape), dk: float32(k.shape), dv: float32(v.shape) };
  },
  naive({ dy, q, k, v, y, lse }, attributes, { dq, dk, dv }) {
    const { B, Tq, Tk, C, H, D } = dims("attentionGrad", q, k, v, attributes);
    const scale = 1 / Math.sqrt(D);
    for (let b = 0; b < B; b++) {
      for (let h = 0; h < H; h++) {
        for (let i = 0; i < Tq; i++) {
          const at = (b * Tq + i) * C + h * D;
          let delta = 0;
          for (let d = 0; d < D; d++) delta += dy.data[at + d] * y.data[at + d];
          for (let j = 0; j < i + 1 + Tk - Tq; j++) {
            const to = (b * Tk + j) * C + h * D;
            let score = 0;
            let dp = 0;
            for (let d = 0; d < D; d++) {
              score += q.data[at + d] * k.data[to + d];
              dp += dy.data[at + d] * v.data[to + d];
            }
            const p = Math.exp(score * scale - lse.data[(b * H + h) * Tq + i]);
            const ds = p * (dp - delta) * scale;
            for (let d = 0; d < D; d++) {
              dv.data[to + d] += p * dy.data[at + d];
              dq.data[at + d] += ds * k.data[to + d];
              dk.data[to + d] += ds * q.data[at + d];
            }
          }
        }
      }
    }
  },
});

/** Copies rows (B,t,C) into a cache (B,capacity,C) at row `at`, in place. */
export const writeRows = contract<{ readonly at: number }>()({
  inputs: ["cache", "rows"],
  outputs: [],
  mutates: ["cache"],
  infer({ cache, rows }, { at }) {
    const fits = cache.shape.length === 3 && rows.shape.length === 3;
    if (!fits || cache.shape[0] !== rows.shape[0] || cache.shape[2] !== rows.shape[2]) {
      throw new ShapeError("writeRows", "cache is (B,capacity,C), rows is (B,t,C)", {
        cache: cache.shape,
        rows: rows.shape,
      });
    }
    if (at < 0 || at + rows.shape[1] > cache.shape[1]) {
      throw new ShapeError("writeRows", `rows at ${at} do not fit`, { cache: cache.shape, rows: rows.shape });
    }
    return {};
  },
  naive({ cache, rows }, { at }) {
    const [B, t, C] = rows.shape as [number, number, number];
    const capacity = cache.shape[1];
    for (let b = 0; b < B; b++) {
      cache.data.set(rows.data.subarray(b * t * C, (b + 1) * t * C), (b * capacity + at) * C);
    }
  },
});
