/** Every op of values alone, with operands to try it on: for central differences, for leaks, and for what it says on tensors. */
import { bools, int32, integers, random, type Value, values } from "@normless/tensor/testing";
import type { Tensor } from "@normless/tensor";
import * as ops from "../src/index.js";

/** Operands that gradients are asked for, and constants beside them. */
export interface OpCase {
  readonly params: Readonly<Record<string, Value>>;
  readonly constants?: Readonly<Record<string, Value>>;
  readonly run: (v: Readonly<Record<string, ops.Value>>, c: Readonly<Record<string, Tensor>>) => ops.Value;
}

const x = random([2, 3, 4], 1, 2);
const y = random([2, 3, 4], 2, 2);
const positive = random([2, 3, 4], 1, 1, 1.5);
/** No two equal, none near another or near a whole number or 0: central differences step over no corner. */
const apart: Value = {
  shape: [2, 3, 4],
  data: Float32Array.from({ length: 24 }, (_, i) => (((i * 7) % 24) - 11.4) / 3),
};
const of = (fn: (x: ops.Value) => ops.Value, given: Value = x): OpCase => ({
  params: { x: given },
  run: ({ x }) => fn(x),
});
const two = (fn: (a: ops.Value, b: ops.Value) => ops.Value, a: Value, b: Value): OpCase => ({
  params: { a, b },
  run: ({ a, b }) => fn(a, b),
});

const PAIRS: readonly (readonly [string, Value, Value])[] = [
  ["alike", apart, y],
  ["a row", apart, random([4], 5, 2)],
  ["a column", random([3, 1], 6, 2), apart],
  ["both ways", random([2, 1, 4], 5, 2), random([3, 1], 6, 2)],
  ["a scalar", random([], 5, 2), apart],
];
const pairs = (name: string, fn: (a: ops.Value, b: ops.Value) => ops.Value) =>
  PAIRS.map(([how, a, b]) => [`${name}, ${how}`, two(fn, a, b)] as const);

const zeros = values([0, 2, -1, 3, 0, 0, 1, 2, 5, 1, 1, 2], [3, 4]);

/** All of them, by name. */
export const opCases: readonly (readonly [string, OpCase])[] = [
  ...(
    ["neg", "square", "exp", "expm1", "sin", "cos", "tanh", "sigmoid", "erf", "silu", "softplus"] as const
  ).map((name) => [name, of(ops[name])] as const),
  ...(["log", "log1p", "sqrt", "rsqrt", "reciprocal"] as const).map(
    (name) => [name, of(ops[name], positive)] as const,
  ),
  ...(["abs", "sign", "relu", "floor", "ceil", "round"] as const).map(
    (name) => [name, of(ops[name], apart)] as const,
  ),
  ["clamp", of((x) => ops.clamp(x, { min: -1.25, max: 2 }), apart)],
  [
    "clamp by tensors",
    {
      params: { x: apart, min: random([4], 5, 0.2, -1.2), max: random([3, 1], 6, 0.2, 1.2) },
      run: ({ x, min, max }) => ops.clamp(x, { min, max }),
    },
  ],
  ["gelu", of((x) => ops.gelu(x))],
  ...pairs("add", ops.add),
  ...pairs("sub", ops.sub),
  ...pairs("mul", ops.mul),
  ["div", two(ops.div, x, positive)],
  ["div, a column", two(ops.div, x, random([3, 1], 1, 1, 1.5))],
  ["pow", two(ops.pow, positive, y)],
  ["pow, a row", two(ops.pow, positive, random([4], 2, 2))],
  ["pow of a number", of((x) => ops.pow(x, 3))],
  ["a number to a power", of((x) => ops.pow(2, x))],
  ...pairs("maximum", ops.maximum),
  ...pairs("minimum", ops.minimum),
  ["x with itself", of((x) => ops.add(ops.mul(x, x), ops.sub(x, ops.add(x, x))))],
  ["numbers", of((x) => ops.div(ops.add(ops.mul(x, 2), 1), 4))],
  [
    "where",
    {
      params: { a: x, b: random([4], 3) },
      constants: { condition: bools([3, 1], 4) },
      run: ({ a, b }, { condition }) => ops.where(condition, a, b),
    },
  ],
  [
    "maskedFill",
    {
      params: { x },
      constants: { mask: bools([3, 4], 4) },
      run: ({ x }, { mask }) => ops.maskedFill(x, mask, -7),
    },
  ],
  [
    "maskedFill by a tensor",
    {
      params: { x, value: random([], 5) },
      constants: { mask: bools([3, 4], 4) },
      run: ({ x, value }, { mask }) => ops.maskedFill(x, mask, value),
    },
  ],
  ["mean of a scalar over its dimension", of((x) => ops.mean(x, 0), random([], 1))],
  ...(["sum", "mean", "variance", "std", "logSumExp", "prod"] as const).flatMap((name) =>
    ([undefined, 1, -1, [0, 2], [0, 1], [0, 1, 2]] as const).map(
      (dim) =>
        [
          `${name} over ${String(dim)}`,
          of((x) => ops[name](x, dim), name === "prod" ? positive : x),
        ] as const,
    ),
  ),
  ["sum, kept", of((x) => ops.mul(x, ops.sum(x, 1, { keepdim: true })))],
  ["prod with zeros", of((x) => ops.prod(x, 1), zeros)],
  ...(["max", "min"] as const).flatMap((name) =>
    ([undefined, 1, [0, 2]] as const).map(
      (dim) => [`${name} over ${String(dim)}`, of((x) => ops[name](x, dim), apart)] as const,
    ),
  ),
  ["cumsum", of((x) => ops.cumsum(x, 1))],
  ["softmax", of((x) => ops.softmax(x))],
  ["softmax of columns", of((x) => ops.softmax(x, 0))],
  ["logSoftmax", of((x) => ops.logSoftmax(x, 1))],
  ["sort", of((x) => ops.sort(x, { dim: 1 }).values, apart)],
  ["sort, descending", of((x) => ops.sort(x, { descending: true }).values, apart)],
  ["topk", of((x) => ops.topk(x, 2, { dim: 1 }).values, apart)],
  ["reshape", of((x) => ops.reshape(x, [4, -1]))],
  ["permute", of((x) => ops.permute(x, [2, 0, 1]))],
  ["transpose", of((x) => ops.transpose(x, 0, -1))],
  ["expand", of((x) => ops.expand(x, [5, -1, 3, 4]), random([2, 1, 4], 1))],
  ["squeeze", of((x) => ops.squeeze(x), random([2, 1, 4, 1], 1))],
  ["unsqueeze", of((x) => ops.unsqueeze(x, -1))],
  ["slice", of((x) => ops.slice(x, 1, { start: 1 }))],
  ["slice in steps", of((x) => ops.slice(x, 2, { start: -1, step: -2 }))],
  ["concat", two((a, b) => ops.concat([a, b, a], 1), x, random([2, 2, 4], 3))],
  ["stack", two((a, b) => ops.stack([a, b], -1), x, y)],
  ["split", of((x) => ops.mul(...(ops.split(x, 2, 2) as [ops.Value, ops.Value])))],
  ["flip", of((x) => ops.flip(x, [0, 2]))],
  ["roll", of((x) => ops.roll(x, [1, -2], [0, 2]))],
  ["roll, flat", of((x) => ops.roll(x, 5))],
  ["pad", of((x) => ops.pad(x, [1, 2, 0, 1], 3))],
  ["pad and cut", of((x) => ops.pad(x, [-1, 2, 1, -1]))],
  ["roll by nothing", of((x) => ops.roll(x, 0, 0))],
  ...(["reflect", "replicate", "circular"] as const).map(
    (filling) => [`pad, ${filling}`, of((x) => ops.pad(x, [-1, 2, 2, 1], filling))] as const,
  ),
  ["tril", of((x) => ops.tril(x))],
  ["triu", of((x) => ops.triu(x, 1))],
  [
    "indexSelect",
    {
      params: { x },
      constants: { index: int32([2, 0, 2, 1]) },
      run: ({ x }, { index }) => ops.indexSelect(x, 1, index),
    },
  ],
  [
    "gather",
    {
      params: { x },
      constants: { index: integers([2, 5, 4], 3, 3) },
      run: ({ x }, { index }) => ops.gather(x, 1, index),
    },
  ],
  [
    "scatterAdd",
    {
      params: { x, source: random([2, 5, 4], 3) },
      constants: { index: integers([2, 5, 4], 3, 3) },
      run: ({ x, source }, { index }) => ops.scatterAdd(x, 1, { index, source }),
    },
  ],
  [
    "gather at fewer places",
    {
      params: { x },
      constants: { index: integers([1, 5, 3], 3, 3) },
      run: ({ x }, { index }) => ops.gather(x, 1, index),
    },
  ],
  [
    "scatterAdd at fewer places",
    {
      params: { x, source: random([2, 6, 3], 3) },
      constants: { index: integers([1, 5, 3], 3, 3) },
      run: ({ x, source }, { index }) => ops.scatterAdd(x, 1, { index, source }),
    },
  ],
  ["matmul of vectors", two(ops.matmul, random([4], 1), random([4], 2))],
  ["matmul, matrix and vector", two(ops.matmul, random([3, 4], 1), random([4], 2))],
  ["matmul, vector and matrix", two(ops.matmul, random([4], 1), random([4, 5], 2))],
  ["matmul of matrices", two(ops.matmul, random([3, 4], 1), random([4, 5], 2))],
  ["matmul with a weight", two(ops.matmul, random([2, 3, 4], 1), random([4, 5], 2))],
  ["matmul of stacks", two(ops.matmul, random([2, 3, 4], 1), random([2, 4, 5], 2))],
  ["matmul of one and many", two(ops.matmul, random([3, 4], 1), random([2, 4, 5], 2))],
  ["matmul, stacks broadcast", two(ops.matmul, random([2, 1, 3, 4], 1), random([3, 4, 2], 2))],
  ...[0, 1, 2, 3].map((bits) => {
    const transposed = { transposeA: (bits & 1) > 0, transposeB: (bits & 2) > 0 };
    const [a, b] = [
      transposed.transposeA ? [2, 4, 3] : [2, 3, 4],
      transposed.transposeB ? [2, 5, 4] : [2, 4, 5],
    ];
    return [
      `matmul, transposed ${bits}`,
      two((a, b) => ops.matmul(a, b, transposed), random(a, 1), random(b, 2)),
    ] as const;
  }),
  ["einsum", two((a, b) => ops.einsum("bij,bjk->bik", a, b), random([2, 3, 4], 1), random([2, 4, 5], 2))],
  ["einsum, no arrow", two((a, b) => ops.einsum("ij,jk", a, b), random([3, 4], 1), random([4, 5], 2))],
  ["einsum, a trace", of((x) => ops.einsum("ii->", x), random([4, 4], 1))],
  ["einsum, three", two((a, b) => ops.einsum("i,ij,jk->k", a, b, b), random([4], 1), random([4, 4], 2))],
  [
    "einsum, any stack",
    two((a, b) => ops.einsum("...ij,jk->...ik", a, b), random([2, 3, 4], 1), random([4, 5], 2)),
  ],
  ["rmsNorm", two((x, gamma) => ops.rmsNorm(x, gamma), x, random([4], 2, 1, 1))],
  ["rmsNorm alone", of((x) => ops.rmsNorm(x))],
  ["layerNorm alone", of((x) => ops.layerNorm(x))],
  ["mse", two((a, b) => ops.mse(a, b), x, y)],
  ["klDivergence", two((a, b) => ops.klDivergence(a, ops.softmax(b)), x, y)],
  [
    "crossEntropy",
    {
      params: { x },
      constants: { targets: int32([0, 3, -100, 1, 2, 2], [2, 3]) },
      run: ({ x }, { targets }) => ops.crossEntropy(x, targets),
    },
  ],
  [
    "crossEntropy, weighted",
    {
      params: { x, weight: random([4], 5, 0.5, 1) },
      constants: { targets: int32([0, 3, -100, 1, 2, 2], [2, 3]) },
      run: ({ x, weight }, { targets }) => ops.crossEntropy(x, targets, { weight }),
    },
  ],
  ["crossEntropy of probabilities", two((x, p) => ops.crossEntropy(x, ops.softmax(p)), x, y)],
  ...([{}, { isCausal: true }] as const).map(
    (options) =>
      [
        `scaledDotProductAttention ${JSON.stringify(options)}`,
        {
          params: { q: random([2, 3, 4], 1), k: random([2, 5, 4], 2), v: random([2, 5, 6], 3) },
          run: ({ q, k, v }) => ops.scaledDotProductAttention(q, k, v, options),
        } satisfies OpCase,
      ] as const,
  ),
  [
    "scaledDotProductAttention, masked, grouped",
    {
      params: { q: random([2, 4, 3, 4], 1), k: random([2, 2, 3, 4], 2), v: random([2, 2, 3, 6], 3) },
      constants: { mask: int32([1, 0, 0, 1, 1, 0, 1, 0, 1], [3, 3]) },
      run: ({ q, k, v }, { mask }) =>
        ops.scaledDotProductAttention(q, k, v, { mask: ops.cast(mask, "bool"), enableGqa: true }),
    },
  ],
  [
    "scaledDotProductAttention, one sees nothing",
    {
      params: { q: random([2, 3, 4], 1), k: random([2, 3, 4], 2), v: random([2, 3, 6], 3) },
      constants: { mask: int32([1, 0, 1, 0, 0, 0, 1, 1, 1], [3, 3]) },
      run: ({ q, k, v }, { mask }) =>
        ops.scaledDotProductAttention(q, k, v, { mask: ops.cast(mask, "bool") }),
    },
  ],
  [
    "conv2d as large, of one image",
    two(
      (x, w) => ops.conv2d(x, w, { padding: "same", dilation: [2, 1] }),
      random([3, 5, 6], 1),
      random([4, 3, 2, 3], 2),
    ),
  ],
  [
    "conv1d as large, of one sequence",
    two((x, w) => ops.conv1d(x, w, { padding: "same" }), random([3, 5], 1), random([4, 3, 2], 2)),
  ],
  ["conv2d", two((x, w) => ops.conv2d(x, w), random([2, 3, 5, 6], 1), random([4, 3, 2, 3], 2))],
  [
    "conv2d, all options",
    {
      params: { x: random([1, 4, 6, 7], 1), w: random([6, 2, 2, 3], 2), bias: random([6], 3) },
      run: ({ x, w, bias }) =>
        ops.conv2d(x, w, { bias, stride: [2, 1], padding: [1, 2], dilation: [1, 2], groups: 2 }),
    },
  ],
  [
    "conv1d",
    two((x, w) => ops.conv1d(x, w, { stride: 2, padding: 1 }), random([2, 3, 7], 1), random([4, 3, 3], 2)),
  ],
];
