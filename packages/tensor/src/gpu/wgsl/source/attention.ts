/**
 * The WGSL of attention. A thread has one query; in the gradient of k and v it has one key, so that every sum belongs to one
 * thread and its order is fixed. What a thread holds of a head is written out as variables, so that it stays in registers.
 */
import type { Result } from "../../program.js";
import { assign } from "../into.js";
import { BUILTINS } from "../pass.js";

/** Rows of a workgroup. */
export const THREADS = 64;
/** Keys whose scores are made before the running softmax is brought up to them. */
const GROUP = [0, 1, 2, 3] as const;

/** How a head of size D is held: in vectors of four where D allows. */
export function head(D: number) {
  const wide = D % 4 === 0;
  const parts = wide ? D / 4 : D;
  return {
    type: wide ? ("vec4f" as const) : ("f32" as const),
    /** Elements of that type. */
    parts,
    each: (text: (d: number) => string, join = "\n    ") =>
      Array.from({ length: parts }, (_, d) => text(d)).join(join),
    zero: wide ? "vec4f()" : "0.0",
    product: (a: string, b: string) => (wide ? `dot(${a}, ${b})` : `${a} * ${b}`),
    /** Rows of a tile. */
    tile: Math.max(4, Math.min(32, Math.floor(256 / D) * 4)),
  };
}
/** How a head is held: what `head` gives. */
export type Head = ReturnType<typeof head>;

const LOWEST = "-3.0e38";

function tiles({ parts, type, tile }: Head, names: readonly string[]): string {
  return names.map((name) => `var<workgroup> ${name}: array<${type}, ${parts * tile}>;`).join("\n");
}

/** Sizes; positions are in elements of the head's type. */
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

const load = ({ each }: Head, name: string, buffer: string, at: string) =>
  each((d) => `let ${name}${d} = ${buffer}[${at} + ${d}];`);
const zeros = ({ each, zero }: Head, name: string) => each((d) => `var ${name}${d} = ${zero};`, " ");
/** Variables times a row of a tile, which begins at `row`. */
const dotWith = ({ each, product }: Head, name: string, tile: string, row: string) =>
  each((d) => product(`${name}${d}`, `${tile}[${row} + ${d}]`), " + ");
/** Adds a row of a tile, times `factor`, to variables. */
const addTo = ({ each }: Head, name: string, factor: string, tile: string, row: string) =>
  each((d) => `${name}${d} += ${factor} * ${tile}[${row} + ${d}];`);

/** Fills tiles with rows from `first` on, all threads together; `at` is where row `r` begins. */
function fill(
  { parts, tile, zero }: Head,
  first: string,
  limit: string,
  at: string,
  pairs: [string, string][],
): string {
  return `
    for (var e = t; e < ${tile * parts}; e += ${THREADS}) {
      let r = ${first} + e / ${parts};
      let inside = r < ${limit};
      let place = select(0, ${at} + e % ${parts}, inside);
      ${pairs.map(([to, buffer]) => `${to}[e] = select(${zero}, ${buffer}[place], inside);`).join(" ")}
    }
    workgroupBarrier();`;
}
const fillKeys = (of: Head) =>
  fill(of, "j0", "Tk", "keys + r * width", [
    ["keyTile", "k"],
    ["valueTile", "v"],
  ]);

const entry = (of: Head, names: readonly string[], body: string) => `${tiles(of, names)}
@compute @workgroup_size(${THREADS})
fn main(${BUILTINS}) {
  ${begin(of)}
${body}
}`;

/** WGSL of y (B,Tq,C) and lse (B,H,Tq), a thread a query. */
export function forward(of: Head, y: Result, lse: Result): string {
  const { each, parts, tile } = of;
  const score = (j: number) =>
    `let s${j} = select(${LOWEST}, (${dotWith(of, "q", "keyTile", `(row + ${j * parts})`)}) * u.scale, j0 + j + ${j} <= i + ahead);`;
  return entry(
    of,
    ["keyTile", "valueTile"],
    `
  let i = min(own, Tq - 1);
  ${load(of, "q", "q", "queries + i * width")}
  ${zeros(of, "out")}
  var top = ${LOWEST};
  var weights = 0.0;
  let end = min(Tk, (group.x + 1) * ${THREADS} + ahead);
  for (var j0 = 0u; j0 < end; j0 += ${tile}) {
    ${fillKeys(of)}
    for (var j = 0u; j < ${tile}; j += ${GROUP.length}) {
    let row = j * ${parts};
    ${GROUP.map(score).join("\n    ")}
    let highest = max(top, max(max(s0, s1), max(s2, s3)));
    let shrink = exp(top - highest);
    top = highest;
    ${GROUP.map((j) => `let p${j} = exp(s${j} - top);`).join(" ")}
    weights = weights * shrink + (${GROUP.map((j) => `p${j}`).join(" + ")});
    ${each((d) => `out${d} = out${d} * shrink + (${GROUP.map((j) => `p${j} * valueTile[row + ${j * parts + d}]`).join(" + ")});`)}
    }
    workgroupBarrier();
  }
  if (own < Tq) {
    ${each((d) => `y[queries + i * width + ${d}] ${assign(y)} out${d} / weights;`)}
    lse[group.y * Tq + i] ${assign(lse)} top + log(weights);
  }`,
  );
}

/** WGSL of dq (B,Tq,C), a thread a query. */
export function gradOfQuery(of: Head, dq: Result): string {
  const { each, parts, tile } = of;
  return entry(
    of,
    ["keyTile", "valueTile"],
    `
  let i = min(own, Tq - 1);
  ${load(of, "q", "q", "queries + i * width")}
  ${load(of, "g", "dy", "queries + i * width")}
  ${zeros(of, "out")}
  let logSum = lse[group.y * Tq + i];
  let less = delta[group.y * Tq + i];
  let end = min(Tk, (group.x + 1) * ${THREADS} + ahead);
  for (var j0 = 0u; j0 < end; j0 += ${tile}) {
    ${fillKeys(of)}
    for (var j = 0u; j < ${tile}; j++) {
    if (j0 + j > i + ahead) { continue; }
    let row = j * ${parts};
    let p = exp((${dotWith(of, "q", "keyTile", "row")}) * u.scale - logSum);
    let ds = p * ((${dotWith(of, "g", "valueTile", "row")}) - less) * u.scale;
    ${addTo(of, "out", "ds", "keyTile", "row")}
    }
    workgroupBarrier();
  }
  if (own < Tq) {
    ${each((d) => `dq[queries + i * width + ${d}] ${assign(dq)} out${d};`)}
  }`,
  );
}

/** WGSL of dk and dv (B,Tk,C), a thread a key. */
export function gradOfKey(of: Head, dk: Result, dv: Result): string {
  const { each, parts, tile } = of;
  return entry(
    of,
    ["queryTile", "gradTile"],
    `
  let j = min(own, Tk - 1);
  ${load(of, "k", "k", "keys + j * width")}
  ${load(of, "v", "v", "keys + j * width")}
  ${zeros(of, "outK")}
  ${zeros(of, "outV")}
  // The first query that sees the workgroup's first key.
  let first = max(group.x * ${THREADS}, ahead) - ahead;
  for (var i0 = first; i0 < Tq; i0 += ${tile}) {
    ${fill(of, "i0", "Tq", "queries + r * width", [
      ["queryTile", "q"],
      ["gradTile", "dy"],
    ])}
    for (var r = 0u; r < ${tile}; r++) {
    let i = i0 + r;
    if (i >= Tq || j > i + ahead) { continue; }
    let row = r * ${parts};
    let p = exp((${dotWith(of, "k", "queryTile", "row")}) * u.scale - lse[group.y * Tq + i]);
    let ds = p * ((${dotWith(of, "v", "gradTile", "row")}) - delta[group.y * Tq + i]) * u.scale;
    ${addTo(of, "outK", "ds", "queryTile", "row")}
    ${addTo(of, "outV", "p", "gradTile", "row")}
    }
    workgroupBarrier();
  }
  if (own < Tk) {
    ${each((d) => `dk[keys + j * width + ${d}] ${assign(dk)} outK${d};`)}
    ${each((d) => `dv[keys + j * width + ${d}] ${assign(dv)} outV${d};`)}
  }`,
  );
}
