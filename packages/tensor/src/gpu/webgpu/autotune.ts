/**
 * What is fastest on the adapter at hand: the variant of the matrix product, by layouts and size, and whether rows add up by
 * subgroups. About a second, once.
 */
import type { Executor, Program } from "../program.js";
import { layerNorm } from "../wgsl/kernels/layer-norm.js";
import { product } from "../wgsl/product/product.js";
import {
  type Layout,
  type ProductSize,
  type ProductTuning,
  productTuning,
  type Variant,
  VARIANTS as ALL,
} from "../wgsl/product/variant.js";
import type { Tuning } from "../wgsl/tuning.js";
import type { OpenedDevice } from "./device.js";

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

/** Measures on `executor`; what is not measured stays as in `usual`. */
export async function tune<Handle>(
  executor: Executor<Handle>,
  usual: Tuning,
  { fallback, lanes }: Pick<OpenedDevice, "fallback" | "lanes">,
): Promise<Tuning> {
  const products = await tuneProducts(executor, fallback);
  return { ...usual, products, lanes: await tuneLanes(executor, usual, lanes) };
}

/** On a CPU that stands for a GPU the tiled scheme is not tried: it takes seconds to compile. */
async function tuneProducts<Handle>(executor: Executor<Handle>, fallback: boolean): Promise<ProductTuning> {
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
      const times = await measureProducts(executor, candidates, { a, b, size });
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

async function measureProducts<Handle>(
  executor: Executor<Handle>,
  variants: readonly Variant[],
  { a, b, size }: Shape,
): Promise<number[]> {
  const { side, k } = SHAPES[size];
  const values = new Float32Array(side * k).fill(1);
  const operands = { a: executor.upload(values), b: executor.upload(values) };
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
  const times = await measure(executor, programs, operands, { c: { size: side * side } });
  for (const handle of Object.values(operands)) executor.release(handle);
  return times;
}

const ROWS = { rows: 512, C: 768 } as const;

/**
 * The lanes of the adapter where subgroups are faster and give the bits of workgroup memory; else 0. WGSL does not promise that
 * threads are in subgroups in the order of their index, on which the sums rely; other bits would show it.
 */
export async function tuneLanes<Handle>(
  executor: Executor<Handle>,
  usual: Tuning,
  lanes: number,
): Promise<number> {
  if (lanes === 0) return 0;
  const { rows, C } = ROWS;
  const values = Float32Array.from({ length: rows * C }, (_, i) => Math.sin(i));
  const operands = {
    x: executor.upload(values),
    gamma: executor.upload(values.subarray(0, C)),
    beta: executor.upload(values.subarray(0, C)),
  };
  const operand = (...shape: number[]) => ({
    shape,
    size: shape.reduce((product, side) => product * side),
    dtype: "float32" as const,
    add: false,
  });
  const results = { y: operand(rows, C), mean: operand(rows), rstd: operand(rows) };
  const inputs = { x: operand(rows, C), gamma: operand(C), beta: operand(C) };
  const programs = [0, lanes].map((count) =>
    layerNorm({ ...usual, lanes: count })(inputs, { eps: 1e-5 }, results),
  );
  const bits: string[] = [];
  for (const program of programs) {
    const { outputs } = executor.run(program, operands, results);
    bits.push((await executor.read(outputs.y, rows * C)).join());
    for (const handle of Object.values(outputs)) executor.release(handle);
  }
  const [memory, subgroups] = await measure(executor, programs, operands, results);
  for (const handle of Object.values(operands)) executor.release(handle);
  return bits[0] === bits[1] && subgroups < memory ? lanes : 0;
}

/** Milliseconds of each program, the best of some rounds in turns. */
async function measure<Handle>(
  executor: Executor<Handle>,
  programs: readonly Program[],
  operands: Readonly<Record<string, Handle>>,
  outputs: Readonly<Record<string, { readonly size: number }>>,
): Promise<number[]> {
  const times = programs.map(() => Infinity);
  for (let round = -1; round < ROUNDS; round++) {
    for (const [i, program] of programs.entries()) {
      const begin = performance.now();
      const made = executor.run(program, operands, outputs).outputs;
      await executor.sync();
      // The first round compiles.
      if (round >= 0) times[i] = Math.min(times[i], performance.now() - begin);
      for (const handle of Object.values(made)) executor.release(handle);
    }
  }
  return times;
}
