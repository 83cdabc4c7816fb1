/** What the head's kernels share: logits of a chunk of rows, and the gradients that dlogits in their place give. */
import { rowsOf } from "../../../shape.js";
import type { Operand, Result } from "../../program.js";
import { columnSums } from "../column-sums.js";
import { storedWeight, type StoredWeight } from "../half.js";
import { product, type ProductPasses } from "../product/product.js";
import type { Tuning } from "../tuning.js";

/** Logits held at a time, but for a row's at least: 128 MiB, which every device binds. */
export const HELD = 1 << 25;

/** Rows `first` to `first + rows` of x. */
export interface Chunk {
  readonly first: number;
  readonly rows: number;
}

/** Names of a head's operands, and of the buffer that has the logits of a chunk. */
export interface HeadNames {
  readonly x: string;
  readonly w: string;
  readonly bias: string;
  readonly logits: string;
}
const NAMES: HeadNames = { x: "x", w: "w", bias: "bias", logits: "logits" };

/** A head's sizes and where its operands are: x (N,C), w (V,C), bias (V). */
export interface Head {
  readonly names: HeadNames;
  readonly N: number;
  readonly V: number;
  readonly C: number;
  /** V in whole vectors of four: the width of a row of logits. */
  readonly width: number;
  readonly bias: boolean;
  readonly weight: StoredWeight;
}

interface HeadOperands {
  readonly x: Operand;
  readonly w: Operand;
  readonly bias?: Operand | undefined;
}

/** The head of these operands. */
export function headOf({ x, w, bias }: HeadOperands, { f16 }: Tuning, names = NAMES): Head {
  const [V, C] = w.shape;
  const [N, width] = [rowsOf(x.shape), Math.ceil(V / 4) * 4];
  return { names, N, V, C, width, bias: bias !== undefined, weight: storedWeight(w, f16, names.w) };
}

/** Its rows in chunks, of which each has at most `held` logits, or one row. */
export function chunksOf({ N, width }: Head, held: number): Chunk[] {
  const most = Math.max(1, Math.min(N, Math.floor(held / width)));
  return Array.from({ length: Math.ceil(N / most) }, (_, i) => ({
    first: i * most,
    rows: Math.min(most, N - i * most),
  }));
}

/** One after the other. Sizes of a temporary that several have are the largest of them. */
export function inTurn(parts: readonly ProductPasses[]): ProductPasses {
  const temporaries: Record<string, number> = {};
  for (const part of parts) {
    for (const [name, size] of Object.entries(part.temporaries))
      temporaries[name] = Math.max(size, temporaries[name] ?? 0);
  }
  return { temporaries, passes: parts.flatMap(({ passes }) => passes) };
}

/** logits = x[first…]·wᵀ + bias, and their buffer; what it writes into the padding has no meaning. */
export function logitsOf(
  { names, V, C, width, bias, weight }: Head,
  { first, rows }: Chunk,
  tuning: Tuning,
): ProductPasses {
  const { temporaries, passes } = product(
    {
      a: { buffer: names.x, width: C, top: first, layout: "outer" },
      b: { ...weight.place, width: C, layout: "outer" },
      c: { buffer: names.logits, width },
      add: false,
      ...(bias && { bias: { buffer: names.bias, left: 0 } }),
      n: rows,
      m: V,
      k: C,
    },
    tuning.products,
  );
  return { temporaries: { [names.logits]: rows * width, ...temporaries }, passes };
}

/** What dlogits, in the place of the logits and 0 in the padding, give to dx, dw and dbias. */
export function gradientsOf(
  { names, V, C, width, weight }: Head,
  { first, rows }: Chunk,
  { dx, dw, dbias }: Readonly<Record<"dx" | "dw" | "dbias", Result>>,
  { products }: Tuning,
): ProductPasses[] {
  const dlogits = { buffer: names.logits, width };
  return [
    // Over the padding too, where dlogits is 0: the sums then go in whole vectors.
    product(
      {
        a: { ...dlogits, layout: "outer" },
        b: { ...weight.place, width: C, layout: "inner" },
        c: { buffer: "dx", width: C, top: first },
        add: dx.add,
        n: rows,
        m: C,
        k: width,
      },
      products,
    ),
    product(
      {
        a: { ...dlogits, layout: "inner" },
        b: { buffer: names.x, width: C, top: first, layout: "inner" },
        c: { buffer: "dw", width: C },
        add: dw.add || first > 0,
        n: V,
        m: C,
        k: rows,
      },
      products,
    ),
    columnSums({
      key: "bias of head",
      reads: { dy: names.logits },
      rows,
      columns: V,
      width,
      sums: [{ value: "dy[at]", output: "dbias", add: dbias.add || first > 0 }],
    }),
  ];
}
