/**
 * Causal attention after Dao et al. 2022 (FlashAttention): tiles of keys and values in workgroup memory, a running
 * softmax, nothing of size T×T. A thread has one query; in the gradient of k and v it has one key, so that every
 * sum belongs to one thread and its order is fixed.
 */
import type { Build, Result } from "../program.js";
import { assign } from "./elementwise.js";
import { addBits } from "./layer-norm.js";
import { BUILTINS, each, kernel, type Bound } from "./pass.js";

const THREADS = 64;

/** How a head of size D is held: in vectors of four where D allows. */
function head(D: number) {
  const wide = D % 4 === 0;
  return {
    type: wide ? ("vec4f" as const) : ("f32" as const),
    /** Elements of that type. */
    parts: wide ? D / 4 : D,
    dot: wide ? "dot" : "product",
    zero: wide ? "vec4f()" : "0.0",
    /** Rows of a tile. */
    tile: Math.max(1, Math.min(32, Math.floor(1024 / D))),
  };
}
type Head = ReturnType<typeof head>;

const declarations = ({ parts, type, tile }: Head, tiles: readonly string[]) => `
alias Head = array<${type}, ${parts}>;
fn product(a: f32, b: f32) -> f32 { return a * b; }
const LOWEST = -3.0e38;
${tiles.map((name) => `var<workgroup> ${name}: array<${type}, ${parts * tile}>;`).join("\n")}`;

/** WGSL: the head's parts at `from`, or zeros. */
const load = ({ parts }: Head, to: string, from: string, at: string) =>
  `for (var d = 0u; d < ${parts}; d++) { ${to}[d] = ${from}[${at} + d]; }`;
/** WGSL: fills tiles with rows from `first` on, all threads together. `at(row)` is where a row begins. */
const fillTiles = (
  { parts, tile, zero }: Head,
  first: string,
  limit: string,
  at: string,
  pairs: [string, string][],
) => `
    for (var e = t; e < ${tile * parts}; e += ${THREADS}) {
      let r = ${first} + e / ${parts};
      let inside = r < ${limit};
      let source = select(0, ${at} + e % ${parts}, inside);
      ${pairs.map(([tileName, source]) => `${tileName}[e] = select(${zero}, ${source}[source], inside);`).join(" ")}
    }
    workgroupBarrier();`;
const dotOf = ({ parts, dot }: Head, a: string, b: string, offset: string) =>
  `for (var d = 0u; d < ${parts}; d++) { sum += ${dot}(${a}[d], ${b}[${offset} + d]); }`;

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

/** WGSL that every kernel begins with. Positions are in elements of the head's type. */
const begin = ({ parts }: Head) => `
  let Tq = u32(u.Tq);
  let Tk = u32(u.Tk);
  let H = u32(u.H);
  let width = H * ${parts};
  let b = group.y / H;
  let h = group.y % H;
  let ahead = Tk - Tq;
  let own = group.x * ${THREADS} + t;
  let queries = b * Tq * width + h * ${parts};
  let keys = b * u32(u.capacity) * width + h * ${parts};`;

export const attention: Build<"attention"> = ({ q, k }, { heads, keys }, { y, lse }) => {
  const [B, Tq, C] = q.shape;
  const sizes = { B, Tq, Tk: keys ?? k.shape[1], capacity: k.shape[1], H: heads, D: C / heads };
  const of = head(sizes.D);
  const { type, parts, tile } = of;
  const pass = kernel({
    key: `attention D ${sizes.D} ${addBits(y, lse)}`,
    reads: { q: { buffer: "q", type }, k: { buffer: "k", type }, v: { buffer: "v", type } },
    writes: { y: { buffer: "y", type }, lse: "lse" },
    uniforms: uniformsOf(sizes),
    code: `${declarations(of, ["keyTile", "valueTile"])}
@compute @workgroup_size(${THREADS})
fn main(${BUILTINS}) {
  ${begin(of)}
  let inRange = own < Tq;
  let i = min(own, Tq - 1);
  var query: Head;
  ${load(of, "query", "q", `queries + i * width`)}
  var out: Head;
  var top = LOWEST;
  var weights = 0.0;
  let end = min(Tk, (group.x + 1) * ${THREADS} + ahead);
  for (var j0 = 0u; j0 < end; j0 += ${tile}) {
    ${fillTiles(of, "j0", "Tk", "keys + r * width", [
      ["keyTile", "k"],
      ["valueTile", "v"],
    ])}
    var scores: array<f32, ${tile}>;
    var highest = top;
    for (var j = 0u; j < ${tile}; j++) {
      var sum = 0.0;
      ${dotOf(of, "query", "keyTile", `j * ${parts}`)}
      scores[j] = select(LOWEST, sum * u.scale, j0 + j <= i + ahead);
      highest = max(highest, scores[j]);
    }
    let shrink = exp(top - highest);
    top = highest;
    weights *= shrink;
    for (var d = 0u; d < ${parts}; d++) { out[d] *= shrink; }
    for (var j = 0u; j < ${tile}; j++) {
      let p = exp(scores[j] - top);
      weights += p;
      for (var d = 0u; d < ${parts}; d++) { out[d] += p * valueTile[j * ${parts} + d]; }
    }
    workgroupBarrier();
  }
  if (inRange) {
    for (var d = 0u; d < ${parts}; d++) { y[queries + i * width + d] ${assign(y)} out[d] / weights; }
    lse[group.y * Tq + i] ${assign(lse)} top + log(weights);
  }
}`,
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
        code: gradOfQuery(head(sizes.D), dq),
        workgroups: [Math.ceil(Tq / THREADS), B * heads, 1],
      }),
      kernel({
        key: `attentionGrad kv D ${sizes.D} ${addBits(dk, dv)}`,
        reads: rows,
        writes: { dk: typed("dk"), dv: typed("dv") },
        uniforms: uniformsOf(sizes),
        code: gradOfKey(head(sizes.D), dk, dv),
        workgroups: [Math.ceil(sizes.Tk / THREADS), B * heads, 1],
      }),
    ],
  };
};

function gradOfQuery(of: Head, dq: Result): string {
  const { parts, tile } = of;
  return `${declarations(of, ["keyTile", "valueTile"])}
@compute @workgroup_size(${THREADS})
fn main(${BUILTINS}) {
  ${begin(of)}
  let i = min(own, Tq - 1);
  var query: Head;
  ${load(of, "query", "q", "queries + i * width")}
  var grad: Head;
  ${load(of, "grad", "dy", "queries + i * width")}
  var out: Head;
  let logSum = lse[group.y * Tq + i];
  let less = delta[group.y * Tq + i];
  let end = min(Tk, (group.x + 1) * ${THREADS} + ahead);
  for (var j0 = 0u; j0 < end; j0 += ${tile}) {
    ${fillTiles(of, "j0", "Tk", "keys + r * width", [
      ["keyTile", "k"],
      ["valueTile", "v"],
    ])}
    for (var j = 0u; j < ${tile}; j++) {
      if (j0 + j > i + ahead) { continue; }
      var sum = 0.0;
      ${dotOf(of, "query", "keyTile", `j * ${parts}`)}
      let p = exp(sum * u.scale - logSum);
      sum = 0.0;
      ${dotOf(of, "grad", "valueTile", `j * ${parts}`)}
      let ds = p * (sum - less) * u.scale;
      for (var d = 0u; d < ${parts}; d++) { out[d] += ds * keyTile[j * ${parts} + d]; }
    }
    workgroupBarrier();
  }
  if (own < Tq) { for (var d = 0u; d < ${parts}; d++) { dq[queries + i * width + d] ${assign(dq)} out[d]; } }
}`;
}

function gradOfKey(of: Head, dk: Result, dv: Result): string {
  const { parts, tile } = of;
  return `${declarations(of, ["queryTile", "gradTile"])}
@compute @workgroup_size(${THREADS})
fn main(${BUILTINS}) {
  ${begin(of)}
  let j = min(own, Tk - 1);
  var key: Head;
  ${load(of, "key", "k", "keys + j * width")}
  var value: Head;
  ${load(of, "value", "v", "keys + j * width")}
  var outKey: Head;
  var outValue: Head;
  // The first query that sees the workgroup's first key.
  let first = max(group.x * ${THREADS}, ahead) - ahead;
  for (var i0 = first; i0 < Tq; i0 += ${tile}) {
    ${fillTiles(of, "i0", "Tq", "queries + r * width", [
      ["queryTile", "q"],
      ["gradTile", "dy"],
    ])}
    for (var r = 0u; r < ${tile}; r++) {
      let i = i0 + r;
      if (i >= Tq || j > i + ahead) { continue; }
      var sum = 0.0;
      ${dotOf(of, "key", "queryTile", `r * ${parts}`)}
      let p = exp(sum * u.scale - lse[group.y * Tq + i]);
      sum = 0.0;
      ${dotOf(of, "value", "gradTile", `r * ${parts}`)}
      let ds = p * (sum - delta[group.y * Tq + i]) * u.scale;
      for (var d = 0u; d < ${parts}; d++) {
        outKey[d] += ds * queryTile[r * ${parts} + d];
        outValue[d] += p * gradTile[r * ${parts} + d];
      }
    }
    workgroupBarrier();
  }
  if (own < Tk) {
    for (var d = 0u; d < ${parts}; d++) {
      dk[keys + j * width + d] ${assign(dk)} outKey[d];
      dv[keys + j * width + d] ${assign(dv)} outValue[d];
    }
  }
}`;
}

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
