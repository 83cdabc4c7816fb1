/**
 * The matrix product that linear, its gradients and the head are made of: c = a·b, out of four-by-four blocks. Each
 * operand has an outer dimension (rows n of a, columns m of b) and the summed one, k; it is stored either with k running
 * fastest ("outer") or with the outer dimension running fastest ("inner"), which covers all transposes.
 * Two schemes: "tiled" shares tiles of both operands in workgroup memory, "direct" leaves that to the cache.
 * A long k is summed in pieces, which are added up in order: one after the other into c, or all at once ("split") with a
 * second stage. The order of every sum is fixed by the sizes alone, so no choice of variant changes a bit.
 */
import type { GeluAttributes } from "../../../kernels/gelu.js";
import type { WgslPass } from "../../program.js";
import { fold, kernel } from "../pass.js";
import { direct, type Form, type StoreForm, sumOfPieces, tiled } from "./source.js";
import type { Layout, ProductSize, ProductTuning, Variant } from "./variant.js";

/** A matrix inside a buffer: its element (row, column) is at (row + top)·width + column + left. */
export interface Matrix {
  readonly buffer: string;
  /** Columns of the whole buffer. */
  readonly width: number;
  readonly top?: number;
  readonly left?: number;
}
/** An operand, and which of its dimensions runs fastest. */
export interface ProductOperand extends Matrix {
  readonly layout: Layout;
}

/** c (n,m) (+)= a (n,k) · b (k,m) + bias (m). */
export interface Product {
  readonly a: ProductOperand;
  /** With `half` its values are float16, two in a word. */
  readonly b: ProductOperand & { readonly half?: boolean };
  /** Written, or added to. */
  readonly c: Matrix;
  readonly add: boolean;
  /** Added to every row: its element `left` goes to column 0. */
  readonly bias?: { readonly buffer: string; readonly left: number };
  /** GELU of the values that c gets, into a buffer with the places of c. Without `add`. */
  readonly gelu?: { readonly buffer: string; readonly form: GeluAttributes["approximate"] } | undefined;
  /** As many products: how many rows of the buffers are from a matrix of a, and of b, to the next; those of c follow each other. */
  readonly stack?: { readonly count: number; readonly a: number; readonly b: number } | undefined;
  readonly n: number;
  readonly m: number;
  readonly k: number;
}

/** Passes of one product, and the buffer that it needs for pieces, by name. */
export interface ProductPasses {
  readonly temporaries: Readonly<Record<string, number>>;
  readonly passes: readonly WgslPass[];
}

/** Longer float32 sums are off by more than 1e-6 of the largest value. */
const LONGEST_SUM = 4096;
/** Shorter pieces are not worth the second stage. */
const SHORTEST_PIECE = 1024;
/** Of 64×64 values. With as many a result keeps every GPU busy. */
const MANY_TILES = 512;

/** Its class, and how long the pieces are that k is summed in, in whole tiles but for the last. */
export function sizeOfProduct(n: number, m: number, k: number): { size: ProductSize; piece: number } {
  const tiles = (side: number) => Math.ceil(n / side) * Math.ceil(m / side);
  if (tiles(64) < MANY_TILES && k >= 2 * SHORTEST_PIECE) {
    const sixteenth = Math.ceil(k / 512) * 32;
    return { size: "deep", piece: Math.min(LONGEST_SUM, Math.max(SHORTEST_PIECE, sixteenth)) };
  }
  return { size: tiles(128) >= 256 ? "large" : "small", piece: Math.min(k, LONGEST_SUM) };
}

/** The passes of a product, in the variant that `tuning` has for its class. */
export function product(spec: Product, tuning: ProductTuning): ProductPasses {
  const { a, b, n, m, k } = spec;
  const { size, piece } = sizeOfProduct(n, m, k);
  const variant = tuning[`${a.layout} ${b.layout} ${size}`];
  if (variant.split && piece < k && !spec.stack) return splitProduct(spec, variant, piece);
  const passes = Array.from({ length: Math.ceil(k / piece) }, (_, i) => {
    const begin = i * piece;
    const { bias, gelu, ...rest } = spec;
    return onePass(
      {
        ...rest,
        a: from(a, begin),
        b: from(b, begin),
        add: spec.add || i > 0,
        ...(i === 0 && bias && { bias }),
        ...(begin + piece >= k && { gelu }),
        k: Math.min(piece, k - begin),
      },
      variant,
    );
  });
  return { temporaries: {}, passes };
}

/** The operand from `begin` of the summed dimension on. */
function from<O extends ProductOperand>(operand: O, begin: number): O {
  const { layout, top = 0, left = 0 } = operand;
  return layout === "outer" ? { ...operand, left: left + begin } : { ...operand, top: top + begin };
}

/** Then a vector of four that begins inside of a row ends in its padding at the latest. */
const whole = ({ width, left = 0 }: Matrix) => width % 4 === 0 && left % 4 === 0;

const place = (name: string, { width, top = 0, left = 0 }: Matrix) => ({
  [`${name}Width`]: width,
  [`${name}Top`]: top,
  [`${name}Left`]: left,
});

/** What a kernel that finishes values of c needs: its form, buffers and uniforms. `padded` rows of c take whole vectors. */
function storing({ c, n, m, add, bias, gelu }: Product, padded: boolean) {
  const wide = whole(c) && (padded || m % 4 === 0);
  const store: StoreForm = { wide, add, bias: bias !== undefined, gelu: gelu?.form };
  const type: "vec4f" | "f32" = wide ? "vec4f" : "f32";
  return {
    store,
    reads: { ...(bias && { bias: bias.buffer }) },
    writes: { c: { buffer: c.buffer, type }, ...(gelu && { y: { buffer: gelu.buffer, type } }) },
    uniforms: { n, m, ...place("c", c), ...(bias && { biasLeft: bias.left }) },
  };
}

/** The sums of all k, or with `piece` of the piece that a workgroup's z says. */
function onePass(spec: Product, { scheme, blocks }: Omit<Variant, "split">, piece?: number): WgslPass {
  const { a, b, n, m, k, stack } = spec;
  const { store, reads, writes, uniforms } = storing(spec, piece !== undefined);
  const ragged = k % 4 !== 0;
  const vectors = (layout: Layout) => layout === "inner" || !ragged;
  const form: Form = {
    blocks,
    a: a.layout,
    b: b.layout,
    wide: whole(a) && whole(b) && vectors(a.layout) && vectors(b.layout),
    ragged,
    half: b.half === true,
    split: piece !== undefined,
    stacked: stack !== undefined,
    store,
  };
  const type = form.wide ? "vec4f" : "f32";
  const packed = form.wide ? "vec2u" : "u32";
  const tile = (scheme === "tiled" ? 64 : 32) * blocks;
  return kernel({
    key: `product ${scheme} ${JSON.stringify(form)}`,
    reads: {
      a: { buffer: a.buffer, type },
      b: { buffer: b.buffer, type: form.half ? packed : type },
      ...reads,
    },
    writes,
    uniforms: {
      ...{ ...uniforms, k, ...place("a", a), ...place("b", b), ...(piece && { piece }) },
      ...(stack && { aStep: stack.a, bStep: stack.b }),
    },
    code: () => (scheme === "tiled" ? tiled(form) : direct(form)),
    workgroups: [
      Math.ceil(m / tile),
      Math.ceil(n / tile),
      piece ? Math.ceil(k / piece) : (stack?.count ?? 1),
    ],
  });
}

/** All pieces at once, each into rows of its own; then they are added up in order. */
function splitProduct(spec: Product, variant: Variant, piece: number): ProductPasses {
  const { a, b, c, n, m, k } = spec;
  const buffer = `${c.buffer} pieces`;
  const width = Math.ceil(m / 4) * 4;
  const count = Math.ceil(k / piece);
  const sums = { a, b, c: { buffer, width }, add: false, n, m, k };
  const { store, reads, writes, uniforms } = storing(spec, false);
  return {
    temporaries: { [buffer]: count * n * width },
    passes: [
      onePass(sums, variant, piece),
      kernel({
        key: `sum of pieces ${JSON.stringify(store)}`,
        reads: { pieces: { buffer, type: "vec4f" }, ...reads },
        writes,
        uniforms: { ...uniforms, width, count },
        code: () => sumOfPieces(store),
        workgroups: fold(Math.ceil((n * width) / 4 / 64)),
      }),
    ],
  };
}
