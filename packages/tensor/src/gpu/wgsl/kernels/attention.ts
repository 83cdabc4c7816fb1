/**
 * Causal attention after Dao et al. 2022 (FlashAttention): tiles of keys and values in workgroup memory, a running
 * softmax, nothing of size T×T. The shaders are in attention-source.ts.
 */
import type { Build } from "../../program.js";
import { forward, gradOfKey, gradOfQuery, head, THREADS } from "../source/attention.js";
import { addBits } from "../into.js";
import { type Bound, each, kernel } from "../pass.js";

interface Sizes {
  readonly B: number;
  readonly Tq: number;
  readonly Tk: number;
  readonly capacity: number;
  readonly H: number;
  readonly D: number;
}

function uniformsOf({ Tq, Tk, capacity, H, D }: Sizes) {
  return { Tq, Tk, capacity, H, scale: 1 / Math.sqrt(D) };
}

export const attention: Build<"attention"> = ({ q, k }, { heads, keys }, { y, lse }) => {
  const [B, Tq, C] = q.shape;
  const sizes = { B, Tq, Tk: keys ?? k.shape[1], capacity: k.shape[1], H: heads, D: C / heads };
  const of = head(sizes.D);
  const { type } = of;
  const pass = kernel({
    key: `attention D ${sizes.D} ${addBits(y, lse)}`,
    reads: { q: { buffer: "q", type }, k: { buffer: "k", type }, v: { buffer: "v", type } },
    writes: { y: { buffer: "y", type }, lse: "lse" },
    uniforms: uniformsOf(sizes),
    code: () => forward(of, y, lse),
    workgroups: [Math.ceil(Tq / THREADS), B * heads, 1],
  });
  return { adds: ["y", "lse"], passes: [pass] };
};

export const attentionGrad: Build<"attentionGrad"> = ({ q, k }, { heads }, { dq, dk, dv }) => {
  const [B, Tq, C] = q.shape;
  const sizes = { B, Tq, Tk: k.shape[1], capacity: k.shape[1], H: heads, D: C / heads };
  const { type } = head(sizes.D);
  const typed = (buffer: string): Bound => ({ buffer, type });
  const rows = {
    dy: typed("dy"),
    q: typed("q"),
    k: typed("k"),
    v: typed("v"),
    lse: "lse",
    delta: "delta",
  };
  const delta = each(
    {
      key: `attentionGrad delta D ${sizes.D}`,
      reads: { dy: "dy", y: "y" },
      writes: { delta: "delta" },
      uniforms: { Tq, H: heads },
    },
    B * heads * Tq,
    `let Tq = u32(u.Tq);
  let H = u32(u.H);
  let row = i / Tq / H * Tq + i % Tq;
  let first = (row * H + i / Tq % H) * ${sizes.D};
  var sum = 0.0;
  for (var d = first; d < first + ${sizes.D}; d++) { sum += dy[d] * y[d]; }
  delta[i] = sum;`,
  );
  return {
    adds: ["dq", "dk", "dv"],
    temporaries: { delta: B * heads * Tq },
    passes: [
      delta,
      kernel({
        key: `attentionGrad q D ${sizes.D} ${addBits(dq)}`,
        reads: rows,
        writes: { dq: typed("dq") },
        uniforms: uniformsOf(sizes),
        code: () => gradOfQuery(head(sizes.D), dq),
        workgroups: [Math.ceil(Tq / THREADS), B * heads, 1],
      }),
      kernel({
        key: `attentionGrad kv D ${sizes.D} ${addBits(dk, dv)}`,
        reads: rows,
        writes: { dk: typed("dk"), dv: typed("dv") },
        uniforms: uniformsOf(sizes),
        code: () => gradOfKey(head(sizes.D), dk, dv),
        workgroups: [Math.ceil(sizes.Tk / THREADS), B * heads, 1],
      }),
    ],
  };
};

export const writeRows: Build<"writeRows"> = ({ cache, rows }, { at }) => {
  const [, count, C] = rows.shape;
  const source = {
    key: "writeRows",
    reads: { rows: "rows" },
    writes: { cache: "cache" },
    uniforms: { count, C, capacity: cache.shape[1], at },
  };
  const code = `let row = i / u32(u.C);
  let to = row / u32(u.count) * u32(u.capacity) + u32(u.at) + row % u32(u.count);
  cache[to * u32(u.C) + i % u32(u.C)] = rows[i];`;
  return { passes: [each(source, rows.size, code, { over: "rows" })] };
};
