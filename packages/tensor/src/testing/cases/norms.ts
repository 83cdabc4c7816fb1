/** Cases of the norms and of the statistics of stds. */
import { lastDim, type Shape } from "../../shape.js";
import { integers, random, scalar, type Value } from "../values.js";
import { type Case, type CasesOf, forward, label } from "./case.js";

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

function layerNormGradCase(shape: Shape): Case<"layerNormGrad"> {
  const C = lastDim(shape);
  const x = random(shape, 1, 3, 0.5);
  const gamma = random([C], 2, 1, 1);
  const out = forward("layerNorm", { x, gamma, beta: random([C], 3) }, { eps: 1e-5 });
  const inputs = { dy: random(shape, 4), x, gamma, mean: out("mean"), rstd: out("rstd") };
  // One channel: x − mean is rounding noise against an rstd of 316.
  return { name: label(...shape), inputs, attributes: {}, ...(C === 1 && { tolerance: 1e-3 }) };
}

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
};
