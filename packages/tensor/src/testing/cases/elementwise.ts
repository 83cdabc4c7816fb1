/** Cases of what goes element by element, of full reductions, and of AdamW. */
import type { Shape } from "../../shape.js";
import { constant, random, scalar, type Value, values } from "../values.js";
import { type Case, type CasesOf, label } from "./case.js";

const FLAT: Shape[] = [[], [1], [3], [8], [5, 7], [33, 129]];
const flat = (seed: number, scale = 1) => FLAT.map((shape) => random(shape, seed, scale));
/**
 * Magnitudes far out: where tanh and erf are flat, where v³ passes float32's largest (7e12), where v² does (1.8e19), and
 * the largest itself.
 */
const FAR = [6, 10, 11, 20, 100, 1e5, 6.9e12, 1e13, 1e19, 1e20, 1e30, 3.4e38];
/** The share that passes there is 0 or 1, and so is the slope: relative to a value of 1. */
const far = values([1, ...FAR.map((v) => -v)]);
const bothWays = values([...FAR, ...FAR.map((v) => -v)]);
const FORMS = ["tanh", "none"] as const;
const named = (value: Value) => label(...value.shape) || "scalar";

/** Cases by kernel: see the head of this file. */
export const elementwiseCases: CasesOf<
  "gelu" | "geluGrad" | "scale" | "sum" | "fill" | "sumSquares" | "adamw"
> = {
  gelu: FORMS.flatMap((approximate) => [
    ...[...flat(1, 4), random([50], 2, 1e4), random([9], 3, 1e-40)].map((x, i) => ({
      name: `${approximate} ${named(x)} #${i}`,
      inputs: { x },
      attributes: { approximate },
    })),
    { name: `${approximate} far below 0`, inputs: { x: far }, attributes: { approximate } },
    ...FAR.map((v) => ({
      name: `${approximate} of ${v}`,
      inputs: { x: constant([5], v) },
      attributes: { approximate },
    })),
  ]),
  geluGrad: FORMS.flatMap((approximate) => [
    ...[...flat(1, 4), random([50], 2, 1e4)].map((x, i) => ({
      name: `${approximate} ${named(x)} #${i}`,
      inputs: { dy: random(x.shape, 5), x },
      attributes: { approximate },
    })),
    {
      name: `${approximate} far out`,
      inputs: { dy: constant(bothWays.shape, 1), x: bothWays },
      attributes: { approximate },
    },
  ]),
  scale: [
    ...flat(1).map((x) => ({ name: named(x), inputs: { x }, attributes: { factor: -1.7 } })),
    ...flat(1).map((x) => ({
      name: `${named(x)} by a scalar`,
      inputs: { x, by: scalar(0.3) },
      attributes: { factor: -1.7 },
    })),
  ],
  sum: [...flat(1), random([70_001], 2, 1, 0.5)].map((x) => ({
    name: named(x),
    inputs: { x },
    attributes: {},
  })),
  fill: flat(1).map((x) => ({ name: named(x), inputs: { x }, attributes: { value: 0.25 } })),
  sumSquares: [...flat(1), random([70_001], 2, 3)].map((x) => ({
    name: named(x),
    inputs: { x },
    attributes: {},
  })),
  adamw: [
    ...FLAT.flatMap((shape) => [0.5, Infinity].map((maxNorm) => adamwCase(shape, 7.5, maxNorm))),
    // Nothing changes then, whatever the gradients are.
    ...[NaN, Infinity].map((normSquared) => adamwCase([5, 7], normSquared, 0.5)),
  ],
};

function adamwCase(shape: Shape, normSquared: number, maxNorm: number): Case<"adamw"> {
  return {
    name: `${label(...shape)} of norm² ${normSquared} clipped at ${maxNorm}`,
    inputs: {
      param: random(shape, 1),
      grad: random(shape, 2),
      m: random(shape, 3, 0.1),
      v: random(shape, 4, 0.01, 0.02),
      normSquared: constant([], normSquared),
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
  };
}
