/** The ways to compute a product of product.ts, and which is for which. */

/** How an operand is stored: with k running fastest, or with its outer dimension. */
export type Layout = "outer" | "inner";

/** One way to compute a product. */
export interface Variant {
  readonly scheme: "tiled" | "direct";
  /** A thread computes 4·blocks rows by 4·blocks columns. */
  readonly blocks: 1 | 2;
  /** Of a deep product: workgroups for every piece of k, whose sums are then added up. */
  readonly split: boolean;
}

/** Deep is a small result with a long k, such as a weight's gradient: few tiles for many cores. */
export type ProductSize = "small" | "large" | "deep";
/** Which variant for which layouts and size; autotune.ts measures it. */
export type ProductClass = `${Layout} ${Layout} ${ProductSize}`;
/** The variant of every class. */
export type ProductTuning = { readonly [C in ProductClass]: Variant };

/** All but the split ones, which are these with `split`. */
export const VARIANTS: readonly Variant[] = [
  { scheme: "tiled", blocks: 1, split: false },
  { scheme: "tiled", blocks: 2, split: false },
  { scheme: "direct", blocks: 1, split: false },
  { scheme: "direct", blocks: 2, split: false },
];

/** Asks `choose` for each class. */
export function productTuning(
  choose: (of: { a: Layout; b: Layout; size: ProductSize }) => Variant,
): ProductTuning {
  const entries = (["outer", "inner"] as const).flatMap((a) =>
    (["outer", "inner"] as const).flatMap((b) =>
      (["small", "large", "deep"] as const).map(
        (size) => [`${a} ${b} ${size}`, choose({ a, b, size })] as const,
      ),
    ),
  );
  return Object.fromEntries(entries) as ProductTuning;
}
