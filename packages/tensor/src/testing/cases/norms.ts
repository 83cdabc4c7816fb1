/** Cases of the norms and of the statistics of stds. */
import { lastDim, type Shape } from "../../shape.js";
import { constant, integers, random, scalar, type Value } from "../values.js";
import { type Case, type CasesOf, forward, label } from "./case.js";

const NORM_SHAPES: Shape[] = [
  [1, 1, 1],
  [1, 1, 3],
  [2, 3, 8],
  [3, 5, 24],
  [2, 7, 129],
  [5, 64],
];
const PLAIN_ROWS = NORM_SHAPES.map((shape) => ({ name: label(...shape), x: random(shape, 1, 3, 0.5) }));
/**
 * Rows whose mean is large beside their spread, or one of whose values is: a plain sum loses the digits that count.
 * Of a constant row nothing but beta is left.
 */
const HARD_ROWS: readonly { readonly name: string; readonly x: Value }[] = [
  { name: "constant rows of 12345.678", x: constant([3, 768], 12345.678) },
  { name: "constant rows of 1e6 + 1/3", x: constant([2, 129], 1e6 + 1 / 3) },
  { name: "constant rows of 1e9", x: constant([2, 768], 1e9) },
  { name: "constant rows of −3e-7", x: constant([2, 1600], -3e-7) },
  { name: "one channel of 12345.678", x: constant([2, 1], 12345.678) },
  { name: "12345.678 ± 1", x: random([3, 768], 6, 1, 12345.678) },
  { name: "−1e4 ± 0.1", x: random([2, 129], 7, 0.1, -1e4) },
  { name: "a first channel of 3000", x: outlier([3, 768], 0) },
  { name: "a last channel of 3000", x: outlier([3, 768], 767) },
];
const channelsOf = (x: Value, seed: number, center = 0): Value => random([lastDim(x.shape)], seed, 1, center);

/** Rows of ±1 with 3000 in one channel, as the first position has it in GPT-2. */
function outlier(shape: Shape, channel: number): Value {
  const x = random(shape, 8);
  for (let at = channel; at < x.data.length; at += lastDim(shape)) x.data[at] = 3000;
  return x;
}

const classesFor = (shape: Shape, seed: number): Value => integers(shape.slice(0, -1), seed, 3);
const std = { first: 90.5, eot: 3.25, rest: 1.75 };

function layerNormGradCase(name: string, x: Value): Case<"layerNormGrad"> {
  const gamma = channelsOf(x, 2, 1);
  const out = forward("layerNorm", { x, gamma, beta: channelsOf(x, 3) }, { eps: 1e-5 });
  const inputs = { dy: random(x.shape, 4), x, gamma, mean: out("mean"), rstd: out("rstd") };
  return { name, inputs, attributes: {} };
}

/** Cases by kernel: see the head of this file. */
export const normCases: CasesOf<
  | "layerNorm"
  | "layerNormGrad"
  | "frozenNorm"
  | "frozenNormGrad"
  | "rowStd"
  | "rowStdGrad"
  | "classMean"
  | "stdSpread"
  | "stdSpreadGrad"
> = {
  layerNorm: [
    ...[...PLAIN_ROWS, ...HARD_ROWS].map(({ name, x }) => ({
      name,
      inputs: { x, gamma: channelsOf(x, 2), beta: channelsOf(x, 3) },
      attributes: { eps: 1e-5 },
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
  layerNormGrad: [...PLAIN_ROWS, ...HARD_ROWS].map(({ name, x }) => layerNormGradCase(name, x)),
  frozenNorm: [...PLAIN_ROWS, ...HARD_ROWS].map(({ name, x }) => ({
    name,
    inputs: { x, gamma: channelsOf(x, 2), beta: channelsOf(x, 3), classes: classesFor(x.shape, 4) },
    attributes: { std },
  })),
  frozenNormGrad: [...PLAIN_ROWS, ...HARD_ROWS].map(({ name, x }) => ({
    name,
    inputs: { dy: random(x.shape, 5), x, gamma: channelsOf(x, 2), classes: classesFor(x.shape, 4) },
    attributes: { std },
  })),
  rowStd: [...PLAIN_ROWS, ...HARD_ROWS].map(({ name, x }) => ({
    name,
    inputs: { x },
    attributes: { eps: 1e-5 },
  })),
  rowStdGrad: [...PLAIN_ROWS, ...HARD_ROWS].map(({ name, x }) => ({
    name,
    inputs: {
      dstd: random(x.shape.slice(0, -1), 2),
      x,
      std: random(x.shape.slice(0, -1), 3, 0.5, 2),
    },
    attributes: {},
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
    {
      name: "all the same",
      inputs: { std: constant([3, 700], 12345.678), classes: integers([3, 700], 2, 3) },
      attributes: {},
    },
    { name: "no rest", inputs: { std: random([5], 1, 1, 2), classes: integers([5], 2, 1) }, attributes: {} },
  ],
  stdSpreadGrad: [[1], [3, 5], [9, 129]].map((shape) => ({
    name: label(...shape),
    inputs: { dloss: scalar(0.5), std: random(shape, 1, 1, 2), target: scalar(2.25) },
    attributes: {},
  })),
};
