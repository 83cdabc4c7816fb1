/** Which variant of the matrix product is fastest on the adapter at hand, by layouts and size: about a second, once. */
import type { Executor } from "../program.js";
import {
  type Layout,
  product,
  type ProductSize,
  type ProductTuning,
  productTuning,
  type Variant,
  VARIANTS as ALL,
} from "../wgsl/product.js";

/** Products that stand for a size: rows and columns of the result, and the summed dimension. */
const SHAPES: { readonly [S in ProductSize]: { readonly side: number; readonly k: number } } = {
  small: { side: 256, k: 256 },
  large: { side: 2048, k: 2048 },
  deep: { side: 512, k: 4096 },
};
/** A device that takes longer than this for a small product is not asked for larger ones. */
const SLOW_MS = 2;
const ROUNDS = 3;

interface Shape {
  readonly a: Layout;
  readonly b: Layout;
  readonly size: ProductSize;
}

/** Measures on `executor`. On a CPU that stands for a GPU the tiled scheme is not tried: it takes seconds to compile. */
export async function tune<Handle>(executor: Executor<Handle>, fallback: boolean): Promise<ProductTuning> {
  const variants = fallback ? ALL.filter(({ scheme }) => scheme === "direct") : ALL;
  const split = variants.map((variant) => ({ ...variant, split: true }));
  const chosen = new Map<string, Variant>();
  let slow = false;
  for (const size of ["small", "large", "deep"] as const) {
    for (const [a, b] of LAYOUTS) {
      const name = (of: Shape) => `${of.a} ${of.b} ${of.size}`;
      if (size !== "small" && slow) {
        chosen.set(name({ a, b, size }), chosen.get(name({ a, b, size: "small" })) ?? variants[0]);
        continue;
      }
      const candidates = size === "deep" ? [...variants, ...split] : variants;
      const times = await measure(executor, candidates, { a, b, size });
      const best = times.indexOf(Math.min(...times));
      chosen.set(name({ a, b, size }), candidates[best]);
      if (size === "small" && times[best] > SLOW_MS) slow = true;
    }
  }
  // No kernel has a transposed, and b too.
  return productTuning(({ a, b, size }) => chosen.get(`${a} ${b} ${size}`) ?? variants[0]);
}

/** Of linear and its gradients: x·w, x·wᵀ, xᵀ·dy. */
const LAYOUTS: readonly (readonly [Layout, Layout])[] = [
  ["outer", "inner"],
  ["outer", "outer"],
  ["inner", "inner"],
];

/** Milliseconds of each variant, the best of some rounds in turns. */
async function measure<Handle>(
  executor: Executor<Handle>,
  variants: readonly Variant[],
  { a, b, size }: Shape,
): Promise<number[]> {
  const { side, k } = SHAPES[size];
  const values = new Float32Array(side * k).fill(1);
  const operands = { a: executor.upload(values), b: executor.upload(values) };
  const times = variants.map(() => Infinity);
  const programs = variants.map((variant) =>
    product(
      {
        a: { buffer: "a", width: a === "outer" ? k : side, layout: a },
        b: { buffer: "b", width: b === "outer" ? k : side, layout: b },
        c: { buffer: "c", width: side },
        add: false,
        n: side,
        m: side,
        k,
      },
      productTuning(() => variant),
    ),
  );
  for (let round = -1; round < ROUNDS; round++) {
    for (const [i, program] of programs.entries()) {
      const begin = performance.now();
      executor.release(executor.run(program, operands, { c: { size: side * side } }).outputs.c);
      await executor.sync();
      // The first round compiles.
      if (round >= 0) times[i] = Math.min(times[i], performance.now() - begin);
    }
  }
  for (const handle of Object.values(operands)) executor.release(handle);
  return times;
}
