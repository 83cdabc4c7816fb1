/**
 * Cases for every kernel: odd sizes, size 1, non-multiples of 4 and 8, large values, denormals. Plain data, so that
 * they serve any backend and any test runner. A kernel without cases does not compile.
 */
import { type AttributesOf, contracts, type InputsOf, type KernelName } from "../kernels/index.js";
import type { AnyContract } from "../run.js";
import { lastDim, type Shape, sizeOf } from "../shape.js";
import { constant, integers, random, scalar, type Value } from "./values.js";

export interface Case<K extends KernelName> {
  readonly name: string;
  readonly inputs: InputsOf<K, Value>;
  readonly attributes: AttributesOf<K>;
  /** Relative to the output's largest value; the default is the suite's. */
  readonly tolerance?: number;
}

const GEMM: readonly [rows: number, K: number, M: number][] = [
  [1, 1, 1],
  [3, 5, 7],
  [6, 8, 16],
  [7, 13, 9],
  [17, 4, 33],
  [64, 24, 72],
  [31, 300, 45],
  [130, 128, 97],
];

function gemmCases<T>(make: (rows: number, K: number, M: number, transposeW: boolean) => T): T[] {
  return GEMM.flatMap(([rows, K, M]) => [make(rows, K, M, false), make(rows, K, M, true)]);
}
const label = (...sizes: (number | string)[]) => sizes.join("×");
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

const NORM_SHAPES: Shape[] = [
  [1, 1, 1],
  [1, 1, 3],
  [2, 3, 8],
  [3, 5, 24],
  [2, 7, 129],
  [5, 64],
];
const classesFor = (shape: Shape, seed: number): Value => integers(shape.slice(0, -1), seed, 3);
const std = { first: 90.5, eot: 3.25, rest: 1.75 };

/** An output of an earlier kernel that a gradient takes as input, by the naive loop, rounded to float32. */
function forward(kernel: KernelName, inputs: Readonly<Record<string, Value>>, attributes: object) {
  const contract = contracts[kernel] as AnyContract;
  const dtype = (value: Value) => (value.data instanceof Int32Array ? "int32" : "float32");
  const specs = Object.entries(inputs).map(
    ([name, value]) => [name, { ...value, dtype: dtype(value) }] as const,
  );
  const outputs: Record<string, Value> = {};
  for (const [name, { shape }] of Object.entries(contract.infer(Object.fromEntries(specs), attributes))) {
    outputs[name] = { shape, data: new Float32Array(sizeOf(shape)) };
  }
  contract.naive(inputs, attributes, outputs);
  return (name: string): Value => outputs[name];
}

function layerNormGradCase(shape: Shape): Case<"layerNormGrad"> {
  const C = lastDim(shape);
  const x = random(shape, 1, 3, 0.5);
  const gamma = random([C], 2, 1, 1);
  const out = forward("layerNorm", { x, gamma, beta: random([C], 3) }, { eps: 1e-5 });
  const inputs = { dy: random(shape, 4), x, gamma, mean: out("mean"), rstd: out("rstd") };
  // One channel: x − mean is rounding noise against an rstd of 316.
  return { name: label(...shape), inputs, attributes: {}, ...(C === 1 && { tolerance: 1e-3 }) };
}

const ATTENTION: { B: number; T: number; C: number; heads: number }[] = [
  { B: 1, T: 1, C: 1, heads: 1 },
  { B: 2, T: 5, C: 6, heads: 2 },
  { B: 1, T: 17, C: 24, heads: 3 },
  { B: 2, T: 33, C: 32, heads: 4 },
  { B: 1, T: 130, C: 64, heads: 2 },
  { B: 1, T: 70, C: 15, heads: 3 },
];

function attentionGradCase(
  B: number,
  T: number,
  C: number,
  heads: number,
  scale: number,
): Case<"attentionGrad"> {
  const [q, k, v] = [1, 2, 3].map((seed) => random([B, T, C], seed, seed < 3 ? scale : 1));
  const out = forward("attention", { q, k, v }, { heads });
  return {
    name: `${label(B, T, C)} ${heads} heads, scale ${scale}`,
    inputs: { dy: random([B, T, C], 4), q, k, v, y: out("y"), lse: out("lse") },
    attributes: { heads },
    ...(scale > 5 && { tolerance: 1e-4 }),
  };
}

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

const FLAT: Shape[] = [[], [1], [3], [8], [5, 7], [33, 129]];
const flat = (seed: number, scale = 1) => FLAT.map((shape) => random(shape, seed, scale));
const pairs = FLAT.map((shape) => ({ a: random(shape, 1), b: random(shape, 2) }));
const named = (value: Value) => label(...value.shape) || "scalar";

export const cases: { readonly [K in KernelName]: readonly Case<K>[] } = {
  linear,
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
  gelu: (["tanh", "none"] as const).flatMap((approximate) =>
    [...flat(1, 4), random([50], 2, 1e4), random([9], 3, 1e-40)].map((x, i) => ({
      name: `${approximate} ${named(x)} #${i}`,
      inputs: { x },
      attributes: { approximate },
    })),
  ),
  geluGrad: (["tanh", "none"] as const).flatMap((approximate) =>
    [...flat(1, 4), random([50], 2, 1e4)].map((x, i) => ({
      name: `${approximate} ${named(x)} #${i}`,
      inputs: { dy: random(x.shape, 5), x },
      attributes: { approximate },
    })),
  ),
  layerNorm: [
    ...NORM_SHAPES.map((shape) => ({
      name: label(...shape),
      inputs: {
        x: random(shape, 1, 3, 0.5),
        gamma: random([lastDim(shape)], 2),
        beta: random([lastDim(shape)], 3),
      },
      attributes: { eps: 1e-5 },
      ...(lastDim(shape) === 1 && { tolerance: 1e-3 }),
    })),
    {
      name: "residual of a first position",
      inputs: { x: random([4, 32], 1, 3000), gamma: random([32], 2), beta: random([32], 3) },
      attributes: { eps: 1e-5 },
    },
    {
      name: "eps 1e12",
      inputs: { x: random([4, 32], 1, 30), gamma: random([32], 2, 1e6), beta: random([32], 3) },
      attributes: { eps: 1e12 },
    },
  ],
  layerNormGrad: NORM_SHAPES.map(layerNormGradCase),
  frozenNorm: NORM_SHAPES.map((shape) => ({
    name: label(...shape),
    inputs: {
      x: random(shape, 1, 3, 0.5),
      gamma: random([lastDim(shape)], 2),
      beta: random([lastDim(shape)], 3),
      classes: classesFor(shape, 4),
    },
    attributes: { std },
  })),
  frozenNormGrad: NORM_SHAPES.map((shape) => ({
    name: label(...shape),
    inputs: {
      dy: random(shape, 5),
      x: random(shape, 1, 3, 0.5),
      gamma: random([lastDim(shape)], 2),
      classes: classesFor(shape, 4),
    },
    attributes: { std },
  })),
  rowStd: NORM_SHAPES.map((shape) => ({
    name: label(...shape),
    inputs: { x: random(shape, 1, 3, 0.5) },
    attributes: { eps: 1e-5 },
  })),
  rowStdGrad: NORM_SHAPES.map((shape) => ({
    name: label(...shape),
    inputs: {
      dstd: random(shape.slice(0, -1), 2),
      x: random(shape, 1, 3, 0.5),
      std: random(shape.slice(0, -1), 3, 0.5, 2),
    },
    attributes: {},
    ...(lastDim(shape) === 1 && { tolerance: 1e-3 }),
  })),
  classMean: [
    ...[[1], [3, 5], [9, 129]].map((shape) => ({
      name: label(...shape),
      inputs: { values: random(shape, 1, 1, 2), classes: integers(shape, 2, 3) },
      attributes: {},
    })),
    {
      name: "only the first class",
      inputs: { values: random([5], 1), classes: integers([5], 2, 1) },
      attributes: {},
    },
  ],
  stdSpread: [
    ...[[1], [3, 5], [9, 129]].map((shape) => ({
      name: label(...shape),
      inputs: { std: random(shape, 1, 1, 2), classes: integers(shape, 2, 3) },
      attributes: {},
    })),
    { name: "no rest", inputs: { std: random([5], 1, 1, 2), classes: integers([5], 2, 1) }, attributes: {} },
  ],
  stdSpreadGrad: [[1], [3, 5], [9, 129]].map((shape) => ({
    name: label(...shape),
    inputs: { dloss: scalar(0.5), std: random(shape, 1, 1, 2), target: scalar(2.25) },
    attributes: {},
  })),
  attention: [
    ...ATTENTION.flatMap(({ B, T, C, heads }) =>
      [1, 20].map((scale) => ({
        name: `${label(B, T, C)} ${heads} heads, scale ${scale}`,
        inputs: { q: random([B, T, C], 1, scale), k: random([B, T, C], 2, scale), v: random([B, T, C], 3) },
        attributes: { heads },
        ...(scale > 5 && { tolerance: 1e-4 }),
      })),
    ),
    {
      name: "one query on a cache",
      inputs: { q: random([2, 1, 24], 1), k: random([2, 40, 24], 2), v: random([2, 40, 24], 3) },
      attributes: { heads: 3, keys: 37 },
    },
    {
      name: "some queries on a cache",
      inputs: { q: random([2, 5, 24], 1), k: random([2, 40, 24], 2), v: random([2, 40, 24], 3) },
      attributes: { heads: 2, keys: 19 },
    },
  ],
  attentionGrad: [
    ...ATTENTION.map(({ B, T, C, heads }) => attentionGradCase(B, T, C, heads, 1)),
    attentionGradCase(1, 40, 24, 3, 8),
  ],
  writeRows: [
    {
      name: "in the middle",
      inputs: { cache: random([2, 9, 5], 1), rows: random([2, 3, 5], 2) },
      attributes: { at: 4 },
    },
    {
      name: "one row",
      inputs: { cache: random([1, 3, 8], 1), rows: random([1, 1, 8], 2) },
      attributes: { at: 2 },
    },
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
  ],
  // Without the head of one class, whose gradient is exactly 0, so that rounding noise has nothing to be relative to.
  linearCrossEntropyGrad: HEADS.slice(1).map((head) => {
    const inputs = headInputs(head);
    const lse = forward("linearCrossEntropy", inputs, {})("lse");
    return {
      name: label(...head.rows, head.C, head.V),
      inputs: { ...inputs, dloss: random(head.rows, 5, 0.5, 1), lse },
      attributes: {},
    };
  }),
  add: pairs.map((inputs) => ({ name: named(inputs.a), inputs, attributes: {} })),
  mul: pairs.map((inputs) => ({ name: named(inputs.a), inputs, attributes: {} })),
  scale: flat(1).map((x) => ({ name: named(x), inputs: { x }, attributes: { factor: -1.7 } })),
  sum: [...flat(1), random([70_001], 2, 1, 0.5)].map((x) => ({
    name: named(x),
    inputs: { x },
    attributes: {},
  })),
  expand: FLAT.map((shape) => ({ name: label(...shape), inputs: { x: scalar(1.5) }, attributes: { shape } })),
  fill: flat(1).map((x) => ({ name: named(x), inputs: { x }, attributes: { value: 0.25 } })),
  sumSquares: [...flat(1), random([70_001], 2, 3)].map((x) => ({
    name: named(x),
    inputs: { x },
    attributes: {},
  })),
  adamw: FLAT.flatMap((shape) =>
    [0.5, Infinity].map((maxNorm) => ({
      name: `${label(...shape)} clipped at ${maxNorm}`,
      inputs: {
        param: random(shape, 1),
        grad: random(shape, 2),
        m: random(shape, 3, 0.1),
        v: random(shape, 4, 0.01, 0.02),
        normSquared: constant([], 7.5),
      },
      attributes: {
        learningRate: 1e-2,
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-8,
        weightDecay: 0.1,
        step: 3,
        maxNorm,
      },
    })),
  ),
};
