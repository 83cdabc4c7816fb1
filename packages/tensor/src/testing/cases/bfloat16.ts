/** Cases of what may be kept as bfloat16. A backend that has no such tensors refuses them, which is a check, too. */
import type { Shape } from "../../shape.js";
import { constant, halves, integers, random, values } from "../values.js";
import { type Case, label } from "./case.js";

const SIZES: Shape[] = [[], [1], [5, 7], [33, 129]];
/** Ties, to either side; what rounds up to the next power of two, and beyond all; the smallest; no numbers. */
const EDGES = values([
  1 + 2 ** -8,
  1 + 3 * 2 ** -8,
  -1 - 2 ** -8,
  2 - 2 ** -9,
  3.4e38,
  -3.4e38,
  2 ** -149,
  -0,
  Infinity,
  -Infinity,
  NaN,
]);

const PRODUCTS: readonly [rows: number, K: number, M: number][] = [
  [1, 1, 1],
  [1, 131, 600],
  [3, 5, 7],
  [1, 768, 65],
  [4, 70, 33],
  [5, 70, 33],
  [64, 24, 72],
];

type Kept = "cast" | "full" | "linear" | "linearGelu" | "embedding" | "adamw";

/** By kernel. */
export const bfloat16Cases: { readonly [K in Kept]: readonly Case<K>[] } = {
  cast: [
    ...[...SIZES.map((shape) => random(shape, 1, 4)), EDGES].map((x, i) => ({
      name: `float32 to bfloat16 ${i}`,
      inputs: { x },
      attributes: { to: "bfloat16" as const },
    })),
    ...(["float32", "bfloat16"] as const).flatMap((to) =>
      SIZES.map((shape) => ({
        name: `bfloat16 to ${to} ${label(...shape) || "scalar"}`,
        inputs: { x: halves(random(shape, 1, 4)) },
        attributes: { to },
      })),
    ),
  ],
  full: [0, 1 + 3 * 2 ** -8].map((value) => ({
    name: `bfloat16 of ${value}`,
    inputs: {},
    attributes: { shape: [5, 7], dtype: "bfloat16", value },
  })),
  linear: [
    ...PRODUCTS.flatMap(([rows, K, M]) =>
      [false, true].map((transposeW) => ({
        name: `bfloat16 ${label(rows, K, M)}${transposeW ? " transposed" : ""}`,
        inputs: {
          x: random([rows, K], 1),
          w: halves(random(transposeW ? [M, K] : [K, M], 2)),
          bias: random([M], 3),
        },
        attributes: { transposeW },
      })),
    ),
    ...[1, 6].map((rows) => ({
      name: `bfloat16, some columns of ${rows} rows`,
      inputs: { x: random([rows, 6], 1), w: halves(random([6, 18], 2)) },
      attributes: { columns: { begin: 5, end: 12, of: 18 } },
    })),
  ],
  linearGelu: PRODUCTS.map(([rows, K, M]) => ({
    name: `bfloat16 ${label(rows, K, M)}`,
    inputs: { x: random([rows, K], 1), w: halves(random([K, M], 2, 2 / Math.sqrt(K))), bias: random([M], 3) },
    attributes: { gelu: "tanh" },
  })),
  embedding: [1, 24, 129].map((C) => ({
    name: `bfloat16 of ${C} channels`,
    inputs: { table: halves(random([11, C], 1)), ids: integers([3, 13], 2, 11) },
    attributes: {},
  })),
  adamw: [[], [1], [5, 7], [33, 1029]].map((shape) => ({
    name: `bfloat16 ${label(...shape) || "scalar"}`,
    inputs: {
      param: random(shape, 1),
      grad: random(shape, 2),
      m: halves(random(shape, 3, 0.1)),
      v: halves(random(shape, 4, 0.01, 0.02)),
      normSquared: constant([], 7.5),
    },
    attributes: {
      learningRate: 1e-2,
      beta1: 0.9,
      beta2: 0.999,
      eps: 1e-8,
      weightDecay: 0.1,
      step: 3,
      maxNorm: 1,
    },
    // Of tens of thousands one may be rounded the other way, where the last bit of what is rounded differs.
    ...(shape.length === 2 && shape[1] > 1000 && { tolerance: 2 ** -7 }),
  })),
};
