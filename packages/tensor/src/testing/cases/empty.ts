/** Cases with no rows, and sums of nothing: new outputs of sums are zeros, and what is added into stays as it is. */
import type { KernelName } from "../../kernels/index.js";
import { bools, int32, integers, random, scalar } from "../values.js";
import type { CasesOf } from "./case.js";

/** Of x (rows,K) and w (K,M). */
const PRODUCTS: readonly [rows: number, K: number, M: number][] = [
  [0, 8, 5],
  [3, 0, 5],
  [130, 0, 9],
];
function products<T extends object>(make: (rows: number, K: number, M: number) => T) {
  return PRODUCTS.map(([rows, K, M]) => ({ name: `${rows}×${K}×${M}`, ...make(rows, K, M) }));
}
const noRows = <I, A>(inputs: I, attributes: A) => [{ name: "no rows", inputs, attributes }];

const rows = [2, 0];
const x = random(rows, 1);
const ids = integers(rows, 4, 11);
const classes = integers(rows, 3, 3);
const wide = random([...rows, 6], 1);
const [gamma, beta] = [random([6], 2), random([6], 3)];
const std = { first: 90.5, eot: 3.25, rest: 1.75 };
const head = { x: wide, w: random([11, 6], 2), bias: random([11], 3) };
const teacher = { teacherX: wide, teacherW: random([11, 6], 6), teacherBias: random([11], 7) };
const [q, k, v, y, dy] = [1, 2, 3, 4, 5].map((seed) => random([0, 7, 6], seed));

const nothing = random([2, 0, 3], 1);
const noPlaces = integers([2, 0, 3], 1, 1);

/** Cases by kernel: see the head of this file. */
export const emptyCases: CasesOf<KernelName> = {
  unary: noRows({ x }, { op: "exp" as const }),
  clamp: noRows({ x }, { min: 0, max: 1 }),
  cast: noRows({ x }, { to: "int32" as const }),
  binary: [
    { name: "no rows", inputs: { a: x, b: x }, attributes: { op: "add" } },
    {
      name: "repeated no times",
      inputs: { a: random([1, 3], 1), b: random([0, 3], 1) },
      attributes: { op: "mul" },
    },
  ],
  where: noRows({ condition: bools(rows, 1), a: x, b: x }, {}),
  reduce: (["sum", "mean", "prod", "variance", "logSumExp"] as const).map((op) => ({
    name: `${op} of nothing`,
    inputs: { x: nothing },
    attributes: { op },
  })),
  argReduce: noRows({ x: random([0, 2, 3], 1) }, { op: "argmax" as const }),
  cumsum: noRows({ x: nothing }, {}),
  softmax: noRows({ x: nothing }, {}),
  softmaxGrad: noRows({ dy: nothing, y: nothing }, {}),
  sort: noRows({ x: nothing }, {}),
  strided: [
    {
      name: "nothing of something",
      inputs: { x: wide },
      attributes: { shape: [0, 3], strides: [3, 1], offset: 0 },
    },
    { name: "no rows", inputs: { x }, attributes: { shape: rows, strides: [0, 1], offset: 0 } },
  ],
  assign: noRows({ y: random([4], 1), x }, { strides: [0, 1], offset: 0 }),
  full: noRows({}, { shape: rows, value: 1, dtype: "float32" as const }),
  range: noRows({}, { size: 0, start: 0, step: 1, dtype: "int32" as const }),
  indexSelect: noRows({ x: random([2, 3, 4], 1), index: int32([]) }, {}),
  indexAdd: noRows({ x: nothing, index: int32([]) }, { N: 4 }),
  gather: noRows({ x: random([2, 4, 3], 1), index: noPlaces }, {}),
  scatterAdd: noRows({ x: nothing, index: noPlaces }, { N: 4 }),
  matmul: [
    { name: "no inner", inputs: { a: random([2, 3, 0], 1), b: random([2, 0, 4], 1) }, attributes: {} },
    { name: "no rows", inputs: { a: random([2, 0, 3], 1), b: random([2, 3, 4], 1) }, attributes: {} },
    { name: "no stack", inputs: { a: random([0, 2, 3], 1), b: random([1, 3, 4], 1) }, attributes: {} },
  ],
  linear: products((N, K, M) => ({
    inputs: { x: random([N, K], 1), w: random([K, M], 2), bias: random([M], 3) },
    attributes: {},
  })),
  linearGelu: products((N, K, M) => ({
    inputs: { x: random([N, K], 1), w: random([K, M], 2), bias: random([M], 3) },
    attributes: { gelu: "tanh" as const },
  })),
  linearGradInput: products((N, K, M) => ({
    inputs: { dy: random([N, M], 1), w: random([K, M], 2) },
    attributes: {},
  })),
  linearGradWeight: products((N, K, M) => ({
    inputs: { x: random([N, K], 1), dy: random([N, M], 2) },
    attributes: {},
  })),
  linearGradBias: noRows({ dy: wide }, {}),
  embedding: noRows({ table: random([11, 6], 1), ids }, {}),
  embeddingGrad: noRows({ dy: wide, ids }, { vocabulary: 11 }),
  linearCrossEntropy: noRows({ ...head, targets: ids }, {}),
  linearCrossEntropyGrad: noRows({ ...head, targets: ids, dloss: x }, {}),
  linearKlDivergence: noRows({ ...head, ...teacher }, {}),
  linearKlDivergenceGrad: noRows({ ...head, ...teacher, dloss: x }, {}),
  layerNorm: noRows({ x: wide, gamma, beta }, { eps: 1e-5 }),
  layerNormGrad: noRows({ dy: wide, x: wide, gamma, mean: x, rstd: x }, {}),
  frozenNorm: noRows({ x: wide, gamma, beta, classes }, { std }),
  frozenNormGrad: noRows({ dy: wide, x: wide, gamma, classes }, { std }),
  rowStd: noRows({ x: wide }, { eps: 1e-5 }),
  rowStdGrad: noRows({ dstd: x, x: wide, std: x }, {}),
  classMean: noRows({ values: x, classes }, {}),
  stdSpread: noRows({ std: x, classes }, {}),
  stdSpreadGrad: noRows({ dloss: scalar(0.5), std: x, target: scalar(2.25) }, {}),
  attention: noRows({ q, k, v }, { heads: 2 }),
  attentionGrad: noRows({ dy, q, k, v, y, lse: random([0, 2, 7], 6) }, { heads: 2 }),
  writeRows: noRows({ cache: random([2, 9, 6], 1), rows: wide }, { at: 4 }),
  gelu: noRows({ x }, { approximate: "tanh" }),
  geluGrad: noRows({ dy: x, x }, { approximate: "tanh" }),
  scale: noRows({ x }, { factor: 2 }),
  sum: noRows({ x }, {}),
  fill: noRows({ x }, { value: 0.25 }),
  sumSquares: noRows({ x }, {}),
  adamw: noRows(
    { param: x, grad: x, m: x, v: x, normSquared: scalar(1) },
    { learningRate: 1e-2, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, step: 3, maxNorm: 1 },
  ),
};
