/** Cases of products with weights: linear, embedding, the head with its loss. */
import type { Shape } from "../../shape.js";
import { constant, integers, random, values, int32 } from "../values.js";
import { type Case, type CasesOf, label } from "./case.js";

const GEMM: readonly [rows: number, K: number, M: number][] = [
  [1, 1, 1],
  [3, 5, 7],
  [2, 131, 600],
  [6, 8, 16],
  [7, 13, 9],
  [17, 4, 33],
  [64, 24, 72],
  [31, 300, 45],
  [130, 128, 97],
  // Sums that a GPU may cut in pieces: of linear, of the gradient of its input, of the gradient of its weight.
  [3, 2100, 9],
  [5, 6, 2051],
  [2050, 8, 12],
];

function gemmCases<T>(make: (rows: number, K: number, M: number, transposeW: boolean) => T): T[] {
  return GEMM.flatMap(([rows, K, M]) => [make(rows, K, M, false), make(rows, K, M, true)]);
}
const columns = { begin: 5, end: 12, of: 18 };

const linear: Case<"linear">[] = [
  ...gemmCases((rows, K, M, transposeW) => ({
    name: `${label(rows, K, M)}${transposeW ? " transposed" : ""}`,
    inputs: { x: random([rows, K], 1), w: random(transposeW ? [M, K] : [K, M], 2), bias: random([M], 3) },
    attributes: { transposeW },
  })),
  {
    name: "some columns, leading dimensions, no bias",
    inputs: { x: random([2, 3, 6], 1), w: random([6, 18], 2) },
    attributes: { columns },
  },
  {
    name: "some columns, transposed, bias",
    inputs: { x: random([2, 3, 6], 1), w: random([18, 6], 2), bias: random([18], 3) },
    attributes: { columns, transposeW: true },
  },
  {
    name: "large values",
    inputs: { x: random([9, 11], 1, 1e15), w: random([11, 10], 2, 1e15), bias: random([10], 3, 1e30) },
    attributes: {},
  },
  {
    name: "denormals",
    inputs: { x: random([9, 11], 1, 1e-40), w: random([11, 10], 2), bias: random([10], 3, 1e-40) },
    attributes: {},
    tolerance: 1e-4,
  },
];

/** Rounding of h shows in gelu(h) where the values are about 1, as they are in a model. */
const linearGelu: Case<"linearGelu">[] = [
  ...(["tanh", "none"] as const).flatMap((gelu) =>
    GEMM.map(([rows, K, M]) => ({
      name: `${label(rows, K, M)} ${gelu}`,
      inputs: { x: random([rows, K], 1), w: random([K, M], 2, 2 / Math.sqrt(K)), bias: random([M], 3) },
      attributes: { gelu },
    })),
  ),
  {
    name: "leading dimensions, large values",
    inputs: { x: random([2, 3, 11], 1, 100), w: random([11, 10], 2), bias: random([10], 3) },
    attributes: { gelu: "tanh" },
  },
  // x·w is exact, and gelu of what is far below 0 is 0.
  ...(["tanh", "none"] as const).map((gelu): Case<"linearGelu"> => ({
    name: `far below 0, ${gelu}`,
    inputs: {
      x: values([1, -20, -1e5, -1e13, -1e20, -1e30, -3.4e38], [7, 1]),
      w: constant([1, 5], 1),
      bias: constant([5], 0),
    },
    attributes: { gelu },
  })),
];

const HEADS: { rows: Shape; C: number; V: number; bias: boolean }[] = [
  { rows: [1], C: 1, V: 1, bias: true },
  { rows: [2, 3], C: 7, V: 11, bias: false },
  { rows: [3, 13], C: 24, V: 97, bias: true },
  { rows: [130], C: 32, V: 515, bias: true },
];

function headInputs({ rows, C, V, bias }: (typeof HEADS)[number], scale = 1) {
  return {
    x: random([...rows, C], 1, scale),
    w: random([V, C], 2, scale),
    ...(bias && { bias: random([V], 3) }),
    targets: integers(rows, 4, V),
  };
}

/**
 * Logits so far apart that only exp(0) is left, exact since C is 1: those of row 0 are `FAR`, those of row 1 their
 * negatives. Their differences still are float32s.
 */
const FAR = [1.5e38, 1e30, 90, 0, -1e20, -1.5e38];
const farHead = { x: values([1, -1], [2, 1]), w: values(FAR, [FAR.length, 1]) };
/** Targets that cost nothing and that cost all, row by row. */
const farTargets = [
  [0, 5],
  [1, 2],
  [5, 0],
].map((targets) => int32(targets));

/** A teacher of other width and other logits. */
function divergenceInputs({ rows, C, V, bias }: (typeof HEADS)[number], scale = 1) {
  const D = C + 3;
  return {
    x: random([...rows, C], 1, scale),
    w: random([V, C], 2, scale),
    ...(bias && { bias: random([V], 3) }),
    teacherX: random([...rows, D], 6, scale),
    teacherW: random([V, D], 7, scale),
    ...(bias && { teacherBias: random([V], 8) }),
  };
}
const farDivergence = {
  ...farHead,
  teacherX: values([1, 1], [2, 1]),
  teacherW: values([1e38, 0, 1, -1e38, -1e20, 5], [FAR.length, 1]),
};

/** Cases by kernel: see the head of this file. */
export const linearCases: CasesOf<
  | "linear"
  | "linearGelu"
  | "linearGradInput"
  | "linearGradWeight"
  | "linearGradBias"
  | "embedding"
  | "embeddingGrad"
  | "linearCrossEntropy"
  | "linearCrossEntropyGrad"
  | "linearKlDivergence"
  | "linearKlDivergenceGrad"
> = {
  linear,
  linearGelu,
  linearGradInput: [
    ...gemmCases((rows, K, M, transposeW) => ({
      name: `${label(rows, K, M)}${transposeW ? " transposed" : ""}`,
      inputs: { dy: random([rows, M], 1), w: random(transposeW ? [M, K] : [K, M], 2) },
      attributes: { transposeW },
    })),
    { name: "columns", inputs: { dy: random([2, 3, 7], 1), w: random([6, 18], 2) }, attributes: { columns } },
  ],
  linearGradWeight: [
    ...gemmCases((rows, K, M, transposeW) => ({
      name: `${label(rows, K, M)}${transposeW ? " transposed" : ""}`,
      inputs: { x: random([rows, K], 1), dy: random([rows, M], 2) },
      attributes: { transposeW },
    })),
    {
      name: "columns",
      inputs: { x: random([2, 3, 6], 1), dy: random([2, 3, 7], 2) },
      attributes: { columns },
    },
    {
      name: "columns, transposed",
      inputs: { x: random([2, 3, 6], 1), dy: random([2, 3, 7], 2) },
      attributes: { columns, transposeW: true },
    },
  ],
  linearGradBias: [
    ...[
      [1, 1],
      [3, 7],
      [2, 65, 9],
      [700, 33],
    ].map((shape) => ({
      name: label(...shape),
      inputs: { dy: random(shape, 1) },
      attributes: {},
    })),
    { name: "columns", inputs: { dy: random([2, 3, 7], 1) }, attributes: { columns } },
  ],
  embedding: [
    { name: "7×3", inputs: { table: random([7, 3], 1), ids: integers([2, 5], 2, 7) }, attributes: {} },
    { name: "97×24", inputs: { table: random([97, 24], 1), ids: integers([3, 16], 2, 97) }, attributes: {} },
    { name: "1×1", inputs: { table: random([1, 1], 1), ids: integers([1], 2, 1) }, attributes: {} },
  ],
  embeddingGrad: [
    {
      name: "7×3",
      inputs: { dy: random([2, 5, 3], 1), ids: integers([2, 5], 2, 7) },
      attributes: { vocabulary: 7 },
    },
    {
      name: "97×24",
      inputs: { dy: random([9, 16, 24], 1), ids: integers([9, 16], 2, 97) },
      attributes: { vocabulary: 97 },
    },
    {
      name: "one id many times",
      inputs: { dy: random([300, 8], 1), ids: integers([300], 2, 1) },
      attributes: { vocabulary: 3 },
    },
  ],
  linearCrossEntropy: [
    ...HEADS.map((head) => ({
      name: `${label(...head.rows, head.C, head.V)}`,
      inputs: headInputs(head),
      attributes: {},
    })),
    { name: "large logits", inputs: headInputs(HEADS[2], 10), attributes: {} },
    ...farTargets.map((targets) => ({
      name: `logits far apart, targets ${targets.data.join(" and ")}`,
      inputs: { ...farHead, targets },
      attributes: {},
    })),
  ],
  // Without the head of one class, whose gradient is exactly 0, so that rounding noise has nothing to be relative to.
  linearCrossEntropyGrad: [
    ...HEADS.slice(1).map((head) => ({
      name: label(...head.rows, head.C, head.V),
      inputs: { ...headInputs(head), dloss: random(head.rows, 5, 0.5, 1) },
      attributes: {},
    })),
    {
      name: "large logits",
      inputs: { ...headInputs(HEADS[2], 10), dloss: random(HEADS[2].rows, 5, 0.5, 1) },
      attributes: {},
    },
    // dx is dlogits·w, whose terms cancel only where they are exact.
    ...farTargets.slice(1).map((targets) => ({
      name: `logits far apart, targets ${targets.data.join(" and ")}`,
      inputs: { ...farHead, targets, dloss: values([1, 0.5]) },
      attributes: {},
    })),
  ],
  linearKlDivergence: [
    ...HEADS.slice(1).map((head) => ({
      name: label(...head.rows, head.C, head.V),
      inputs: divergenceInputs(head),
      attributes: {},
    })),
    { name: "large logits", inputs: divergenceInputs(HEADS[2], 5), attributes: {} },
    { name: "logits far apart", inputs: farDivergence, attributes: {} },
  ],
  linearKlDivergenceGrad: [
    ...HEADS.slice(1).map((head) => ({
      name: label(...head.rows, head.C, head.V),
      inputs: { ...divergenceInputs(head), dloss: random(head.rows, 5, 0.5, 1) },
      attributes: {},
    })),
    {
      name: "large logits",
      inputs: { ...divergenceInputs(HEADS[2], 5), dloss: random(HEADS[2].rows, 5, 0.5, 1) },
      attributes: {},
    },
    { name: "logits far apart", inputs: { ...farDivergence, dloss: values([1, 0.5]) }, attributes: {} },
  ],
};
