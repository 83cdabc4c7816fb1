/**
 * The matrix product that linear, its gradients and the head are made of: c = a·b, out of four-by-four blocks. Each
 * operand has an outer dimension (rows n of a, columns m of b) and the summed one, k; it is stored either with k running
 * fastest ("outer") or with the outer dimension running fastest ("inner"), which covers all transposes.
 * Two schemes: "tiled" shares tiles of both operands in workgroup memory, "direct" leaves that to the cache.
 * The order of every sum is fixed by k alone.
 */
import type { WgslPass } from "../program.js";
import { kernel } from "./pass.js";
import { direct, type Form, tiled } from "./product-source.js";

export type Layout = "outer" | "inner";
export interface Variant {
  readonly scheme: "tiled" | "direct";
  /** A thread computes 4·blocks rows by 4·blocks columns. */
  readonly blocks: 1 | 2;
}
/** Which variant for which layouts and size; autotune.ts measures it. */
export type ProductClass = `${Layout} ${Layout} ${"small" | "large"}`;
export type ProductTuning = { readonly [C in ProductClass]: Variant };

export const VARIANTS: readonly Variant[] = [
  { scheme: "tiled", blocks: 1 },
  { scheme: "tiled", blocks: 2 },
  { scheme: "direct", blocks: 1 },
  { scheme: "direct", blocks: 2 },
];

export function productTuning(
  choose: (of: { a: Layout; b: Layout; size: "small" | "large" }) => Variant,
): ProductTuning {
  const entries = (["outer", "inner"] as const).flatMap((a) =>
    (["outer", "inner"] as const).flatMap((b) =>
      (["small", "large"] as const).map((size) => [`${a} ${b} ${size}`, choose({ a, b, size })] as const),
    ),
  );
  return Object.fromEntries(entries) as ProductTuning;
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

export function product(spec: Product, tuning: ProductTuning): WgslPass {
  const { a, b, c, n, m, k, add, bias } = spec;
  const { scheme, blocks } = tuning[`${a.layout} ${b.layout} ${sizeOfProduct(n, m)}`];
  // Then a vector of four that begins inside of a row ends in its padding at the latest.
  const whole = ({ width, left = 0 }: Matrix) => width % 4 === 0 && left % 4 === 0;
  const ragged = k % 4 !== 0;
  const vectors = (layout: Layout) => layout === "inner" || !ragged;
  const form: Form = {
    blocks,
    a: a.layout,
    b: b.layout,
    wide: whole(a) && whole(b) && vectors(a.layout) && vectors(b.layout),
    wideStore: whole(c) && m % 4 === 0,
    ragged,
    add,
    bias: bias !== undefined,
  };
  const type = form.wide ? "vec4f" : "f32";
  const tile = (scheme === "tiled" ? 64 : 32) * blocks;
  const place = (name: string, { width, top = 0, left = 0 }: Matrix) => ({
    [`${name}Width`]: width,
    [`${name}Top`]: top,
    [`${name}Left`]: left,
  });
  return kernel({
    key: `product ${scheme} ${JSON.stringify(form)}`,
    reads: {
      a: { buffer: a.buffer, type },
      b: { buffer: b.buffer, type },
      ...(bias && { bias: bias.buffer }),
    },
    writes: { c: { buffer: c.buffer, type: form.wideStore ? "vec4f" : "f32" } },
    uniforms: {
      n,
      m,
      k,
      ...place("a", a),
      ...place("b", b),
      ...place("c", c),
      ...(bias && { biasLeft: bias.left }),
    },
    code: () => (scheme === "tiled" ? tiled(form) : direct(form)),
    workgroups: [Math.ceil(m / tile), Math.ceil(n / tile), 1],
  });
}
