/** Which variant of the matrix product is fastest on the adapter at hand, by layouts and size: about a second, once. */
import type { Executor } from "../program.js";
import {
  type Layout,
  product,
  type ProductTuning,
  productTuning,
  type Variant,
  VARIANTS as ALL,
} from "../wgsl/product.js";

/** Sides of the square products that stand for a size. */
const SIDE = { small: 256, large: 2048 } as const;
/** A device that takes longer than this for a small product is not asked for a large one. */
const SLOW_MS = 2;
const ROUNDS = 3;

interface Shape {
  readonly a: Layout;
  readonly b: Layout;
  readonly size: "small" | "large";
}

/** Measures on `executor`. On a CPU that stands for a GPU the tiled scheme is not tried: it takes seconds to compile. */
export async function tune<Handle>(executor: Executor<Handle>, fallback: boolean): Promise<ProductTuning> {
  const variants = fallback ? ALL.filter(({ scheme }) => scheme === "direct") : ALL;
  const chosen = new Map<string, Variant>();
  let slow = false;
  for (const size of ["small", "large"] as const) {
    for (const [a, b] of LAYOUTS) {
      const name = (of: Shape) => `${of.a} ${of.b} ${of.size}`;
      if (size === "large" && slow) {
        chosen.set(name({ a, b, size }), chosen.get(name({ a, b, size: "small" })) ?? variants[0]);
        continue;
      }
      const times = await measure(executor, variants, { a, b, size });
      const best = times.indexOf(Math.min(...times));
      chosen.set(name({ a, b, size }), variants[best]);
      if (times[best] > SLOW_MS) slow = true;
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
  const side = SIDE[size];
  const values = new Float32Array(side * side).fill(1);
  const operands = { a: executor.upload(values), b: executor.upload(values) };
  const times = variants.map(() => Infinity);
  const programs = variants.map((variant) => ({
    passes: [
      product(
        {
          a: { buffer: "a", width: side, layout: a },
          b: { buffer: "b", width: side, layout: b },
          c: { buffer: "c", width: side },
          add: false,
          n: side,
          m: side,
          k: side,
        },
        productTuning(() => variant),
      ),
    ],
  }));
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
