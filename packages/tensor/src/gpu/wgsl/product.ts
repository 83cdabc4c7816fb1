/**
 * The matrix product that linear, its gradients and the head are made of: c = a·b, out of four-by-four blocks. Each
 * operand has an outer dimension (rows n of a, columns m of b) and the summed one, k; it is stored either with k running
 * fastest ("outer") or with the outer dimension running fastest ("inner"), which covers all transposes.
 * Two schemes: "tiled" shares tiles of both operands in workgroup memory, "direct" leaves that to the cache.
 * The order of every sum is fixed by k alone.
 */
import type { WgslPass } from "../program.js";
import { kernel } from "./pass.js";

export type Layout = "outer" | "inner";
export interface Variant {
  readonly scheme: "tiled" | "direct";
  /** A thread computes 4·blocks rows by 4·blocks columns. */
  readonly blocks: 1 | 2;
}
/** Which variant for which layouts and size; autotune.ts measures it. */
export type ProductClass = `${Layout} ${Layout} ${"small" | "large"}`;
export type Tuning = { readonly [C in ProductClass]: Variant };

export const VARIANTS: readonly Variant[] = [
  { scheme: "tiled", blocks: 1 },
  { scheme: "tiled", blocks: 2 },
  { scheme: "direct", blocks: 1 },
  { scheme: "direct", blocks: 2 },
];

/** Without measuring: what is fast on most GPUs. */
export const defaultTuning: Tuning = tuningOf(({ size }) => VARIANTS[size === "large" ? 1 : 0]);

export function tuningOf(choose: (of: { a: Layout; b: Layout; size: "small" | "large" }) => Variant): Tuning {
  const entries = (["outer", "inner"] as const).flatMap((a) =>
    (["outer", "inner"] as const).flatMap((b) =>
      (["small", "large"] as const).map((size) => [`${a} ${b} ${size}`, choose({ a, b, size })] as const),
    ),
  );
  return Object.fromEntries(entries) as Tuning;
}

/** A matrix inside a buffer: its element (row, column) is at (row + top)·width + column + left. */
export interface Matrix {
  readonly buffer: string;
  /** Columns of the whole buffer. */
  readonly width: number;
  readonly top?: number;
  readonly left?: number;
}
export interface ProductOperand extends Matrix {
  readonly layout: Layout;
}

export interface Product {
  readonly a: ProductOperand;
  readonly b: ProductOperand;
  /** Written, or added to. */
  readonly c: Matrix;
  readonly add: boolean;
  /** Added to every row: its element `left` goes to column 0. */
  readonly bias?: { readonly buffer: string; readonly left: number };
  readonly n: number;
  readonly m: number;
  readonly k: number;
}

export function sizeOfProduct(n: number, m: number): "small" | "large" {
  return Math.ceil(n / 128) * Math.ceil(m / 128) >= 256 ? "large" : "small";
}

export function product(spec: Product, tuning: Tuning): WgslPass {
  const { a, b, c, n, m, k, add, bias } = spec;
  const variant = tuning[`${a.layout} ${b.layout} ${sizeOfProduct(n, m)}`];
  const whole = ({ width, left = 0 }: Matrix) => width % 4 === 0 && left % 4 === 0;
  const wide = [a, b, c].every(whole) && m % 4 === 0 && (a.layout === "outer" || b.layout === "outer" ? k % 4 === 0 : true) && (a.layout === "outer" || n % 4 === 0);
  const type = wide ? "vec4f" : "f32";
  const tile = (variant.scheme === "tiled" ? 64 : 32) * variant.blocks;
  return kernel({
    key: `product ${variant.scheme} ${variant.blocks} ${a.layout} ${b.layout} ${type}${bias ? " bias" : ""}${add ? " add" : ""}`,
    reads: {
      a: { buffer: a.buffer, type },
      b: { buffer: b.buffer, type },
      ...(bias && { bias: bias.buffer }),
    },
    writes: { c: { buffer: c.buffer, type } },
    uniforms: {
      n,
      m,
      k,
      aWidth: a.width,
      aTop: a.top ?? 0,
      aLeft: a.left ?? 0,
      bWidth: b.width,
      bTop: b.top ?? 0,
      bLeft: b.left ?? 0,
      cWidth: c.width,
      cTop: c.top ?? 0,
      cLeft: c.left ?? 0,
      ...(bias && { biasLeft: bias.left }),
    },
    code: [
      loader("a", a.layout, "n", wide),
      loader("b", b.layout, "m", wide),
      store(wide, add, bias !== undefined),
      variant.scheme === "tiled" ? tiled(variant.blocks) : direct(variant.blocks),
    ].join("\n"),
    workgroups: [Math.ceil(m / tile), Math.ceil(n / tile), 1],
  });
}

/**
 * `load_a(outer, k)`: the 4×4 block from there on, as four vectors along the outer dimension, one for each k. Zero
 * outside.
 */
function loader(name: "a" | "b", layout: Layout, outer: "n" | "m", wide: boolean): string {
  const U = (member: string) => `u32(u.${member})`;
  // "outer": four rows along k, transposed; "inner": four rows along the outer dimension.
  const [row, column, rows, columns] =
    layout === "outer" ? ["outer", "k", U(outer), U("k")] : ["k", "outer", U("k"), U(outer)];
  const fourth = (i: number) => {
    const at = `(${row} + ${i} + ${U(`${name}Top`)}) * ${U(`${name}Width`)} + ${column} + ${U(`${name}Left`)}`;
    if (wide) return `if (${row} + ${i} < ${rows} && ${column} < ${columns}) { r[${i}] = ${name}[(${at}) / 4]; }`;
    const parts = [0, 1, 2, 3].map((j) => `if (${column} + ${j} < ${columns}) { r[${i}][${j}] = ${name}[${at} + ${j}]; }`);
    return `if (${row} + ${i} < ${rows}) { ${parts.join(" ")} }`;
  };
  return `
fn load_${name}(outer: u32, k: u32) -> mat4x4f {
  var r = mat4x4f();
  ${[0, 1, 2, 3].map(fourth).join("\n  ")}
  return ${layout === "outer" ? "transpose(r)" : "r"};
}`;
}

/** `store(row, column, values)`: four values of one row. */
function store(wide: boolean, add: boolean, bias: boolean): string {
  const assign = add ? "+=" : "=";
  const at = "(row + u32(u.cTop)) * u32(u.cWidth) + column + u32(u.cLeft)";
  const lane = (i: number) =>
    `if (column + ${i} < u32(u.m)) { c[at + ${i}] ${assign} values[${i}]${bias ? ` + bias[u32(u.biasLeft) + column + ${i}]` : ""}; }`;
  const biases = [0, 1, 2, 3].map((i) => `bias[first + ${i}]`).join(", ");
  return `
fn store(row: u32, column: u32, values: vec4f) {
  if (row >= u32(u.n) || column >= u32(u.m)) { return; }
  let at = ${at};
  ${
    wide
      ? `${bias ? "let first = u32(u.biasLeft) + column;\n  " : ""}c[at / 4] ${assign} values${bias ? ` + vec4f(${biases})` : ""};`
      : [0, 1, 2, 3].map(lane).join("\n  ")
  }
}`;
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** acc[i][j][r] is four columns of row r of block (i, j). */
function accumulators(blocks: number): string {
  return range(blocks)
    .flatMap((i) => range(blocks).flatMap((j) => range(4).map((r) => `var acc${i}${j}${r} = vec4f();`)))
    .join(" ");
}

/** acc += a ⊗ b for one k, from vectors a0, a1 and b0, b1. */
function outerProduct(blocks: number, a: (i: number) => string, b: (j: number) => string): string {
  return range(blocks)
    .flatMap((i) =>
      range(blocks).flatMap((j) => range(4).map((r) => `acc${i}${j}${r} = fma(vec4f(${a(i)}[${r}]), ${b(j)}, acc${i}${j}${r});`)),
    )
    .join("\n    ");
}

function stores(blocks: number, spread: number): string {
  return range(blocks)
    .flatMap((i) =>
      range(blocks).flatMap((j) =>
        range(4).map((r) => `store(row + ${i * spread + r}, column + ${j * spread}, acc${i}${j}${r});`),
      ),
    )
    .join("\n  ");
}

/** 16×16 threads; tiles of 64·blocks by 32/blocks of both operands, 16 KiB together, a 4×4 block loaded by each thread. */
function tiled(blocks: number): string {
  const [outer, depth] = [64 * blocks, 32 / blocks];
  const vectors = outer / 4;
  const loads = (name: "a" | "b", first: string) => `
      let block = load_${name}(${first} + o * 4, k0 + q * 4);
      for (var i = 0u; i < 4; i++) { tile_${name}[(q * 4 + i) * ${vectors} + o] = block[i]; }`;
  return `
var<workgroup> tile_a: array<vec4f, ${vectors * depth}>;
var<workgroup> tile_b: array<vec4f, ${vectors * depth}>;
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) t: u32) {
  let firstRow = group.y * ${outer};
  let firstColumn = group.x * ${outer};
  let tx = t % 16;
  let ty = t / 16;
  let row = firstRow + ty * 4;
  let column = firstColumn + tx * 4;
  ${accumulators(blocks)}
  let half = t % 128;
  let o = half % ${vectors};
  let q = half / ${vectors};
  for (var k0 = 0u; k0 < u32(u.k); k0 += ${depth}) {
    if (t < 128) {${loads("a", "firstRow")}
    } else {${loads("b", "firstColumn")}
    }
    workgroupBarrier();
    for (var k = 0u; k < ${depth}; k++) {
    ${range(blocks)
      .flatMap((i) => [
        `let a${i} = tile_a[k * ${vectors} + ty + ${16 * i}];`,
        `let b${i} = tile_b[k * ${vectors} + tx + ${16 * i}];`,
      ])
      .join(" ")}
    ${outerProduct(
      blocks,
      (i) => `a${i}`,
      (j) => `b${j}`,
    )}
    }
    workgroupBarrier();
  }
  ${stores(blocks, 64)}
}`;
}

/** 8×8 threads, no shared memory. */
function direct(blocks: number): string {
  const columns = [0, 1, 2, 3].map((k) =>
    outerProduct(
      blocks,
      (i) => `a${i}[${k}]`,
      (j) => `b${j}[${k}]`,
    ),
  );
  return `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) t: u32) {
  let row = group.y * ${32 * blocks} + t / 8 * 4;
  let column = group.x * ${32 * blocks} + t % 8 * 4;
  ${accumulators(blocks)}
  for (var k = 0u; k < u32(u.k); k += 4) {
    ${range(blocks)
      .flatMap((i) => [`let a${i} = load_a(row + ${32 * i}, k);`, `let b${i} = load_b(column + ${32 * i}, k);`])
      .join(" ")}
    ${columns.join("\n    ")}
  }
  ${stores(blocks, 32)}
}`;
}
