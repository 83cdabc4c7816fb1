import { reference, type Tensor } from "@normless/tensor";
import { integers, random, type Value } from "@normless/tensor/testing";
import { describe, expect, it } from "vitest";
import {
  add,
  attention,
  embedding,
  frozenNorm,
  gelu,
  gradientCheck,
  layerNorm,
  linear,
  linearCrossEntropy,
  linearGelu,
  mean,
  mul,
  rowStd,
  scale,
  square,
  squaredDistance,
  stdSpread,
  sum,
  type Variable,
  type Variables,
  weightedCrossEntropy,
  weightedKlDivergence,
} from "../src/index.js";

const backend = reference();
const up = (value: Value): Tensor => backend.upload(value.data, value.shape);
const params = (record: Record<string, Value>) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, up(value)]));
/** A scalar in which every output element weighs differently, so that no error can cancel. */
const weigh = (y: Variable): Variable => sum(mul(y, up(random(y.shape, 77))));

const shape = [2, 3, 4];
const ids = up(integers([2, 3], 5, 6));
const classes = up({ shape: [2, 3], data: Int32Array.of(0, 2, 1, 0, 2, 2) });
const columns = { begin: 2, end: 5, of: 7 };
const teacher = { x: up(random([2, 3, 5], 11, 2)), w: up(random([6, 5], 12)), bias: up(random([6], 13)) };
const norm = { x: random(shape, 1, 2), gamma: random([4], 2, 1, 1), beta: random([4], 3) };
const qkv = { q: random([2, 5, 6], 1, 2), k: random([2, 5, 6], 2, 2), v: random([2, 5, 6], 3) };

const checks: [string, Record<string, Value>, (v: Variables) => Variable][] = [
  [
    "linear",
    { x: random(shape, 1), w: random([4, 7], 2), b: random([7], 3) },
    (v) => weigh(linear(v.x, v.w, v.b)),
  ],
  [
    "linear, transposed",
    { x: random(shape, 1), w: random([7, 4], 2), b: random([7], 3) },
    (v) => weigh(linear(v.x, v.w, v.b, { transposeW: true })),
  ],
  [
    "linear, columns",
    { x: random(shape, 1), w: random([4, 7], 2), b: random([7], 3) },
    (v) => weigh(linear(v.x, v.w, v.b, { columns })),
  ],
  [
    "linear, transposed columns without bias",
    { x: random(shape, 1), w: random([7, 4], 2) },
    (v) => weigh(linear(v.x, v.w, undefined, { columns, transposeW: true })),
  ],
  ["gelu tanh", { x: random(shape, 1, 3) }, (v) => weigh(gelu(v.x))],
  ["gelu erf", { x: random(shape, 1, 4) }, (v) => weigh(gelu(v.x, "none"))],
  [
    "linearGelu tanh",
    { x: random(shape, 1, 2), w: random([4, 7], 2), b: random([7], 3) },
    (v) => weigh(linearGelu(v.x, v.w, v.b)),
  ],
  [
    "linearGelu erf",
    { x: random(shape, 1, 2), w: random([4, 7], 2), b: random([7], 3) },
    (v) => weigh(linearGelu(v.x, v.w, v.b, "none")),
  ],
  ["layerNorm", norm, (v) => weigh(layerNorm(v.x, v.gamma, v.beta))],
  [
    "frozenNorm",
    norm,
    (v) =>
      weigh(frozenNorm(v.x, { gamma: v.gamma, beta: v.beta, classes }, { first: 3, eot: 0.5, rest: 1.5 })),
  ],
  ["squaredDistance", { x: random(shape, 1, 2) }, (v) => squaredDistance(v.x, 1.5)],
  ["rowStd", { x: random(shape, 1, 2) }, (v) => weigh(rowStd(v.x))],
  ["attention", qkv, (v) => weigh(attention(v.q, v.k, v.v, { heads: 3 }))],
  ["attention of one tensor with itself", { x: qkv.q }, (v) => weigh(attention(v.x, v.x, v.x, { heads: 2 }))],
  ["embedding", { table: random([6, 4], 1) }, (v) => weigh(embedding(v.table, ids))],
  [
    "linearCrossEntropy",
    { x: random(shape, 1), w: random([6, 4], 2), b: random([6], 3) },
    (v) => weigh(linearCrossEntropy(v.x, { w: v.w, bias: v.b, targets: ids })),
  ],
  [
    "weightedCrossEntropy",
    { x: random(shape, 1), w: random([6, 4], 2), b: random([6], 3) },
    (v) => scale(weightedCrossEntropy(v.x, { w: v.w, bias: v.b, targets: ids }, 0.3), -2),
  ],
  [
    "weightedKlDivergence",
    { x: random(shape, 1), w: random([6, 4], 2), b: random([6], 3) },
    (v) => scale(weightedKlDivergence(v.x, { w: v.w, bias: v.b, teacher }, 0.3), -2),
  ],
  [
    "tied embedding and head, distilled",
    { w: random([6, 4], 2) },
    (v) => weightedKlDivergence(embedding(v.w, ids), { w: v.w, teacher }, 0.1),
  ],
  [
    "tied embedding and head",
    { w: random([6, 4], 2) },
    (v) => weightedCrossEntropy(embedding(v.w, ids), { w: v.w, targets: ids }, 0.1),
  ],
  ["add", { a: random(shape, 1), b: random(shape, 2) }, (v) => weigh(add(v.a, v.b))],
  ["mul, scale, mean", { a: random(shape, 1), b: random(shape, 2) }, (v) => scale(mean(mul(v.a, v.b)), -3)],
  ["a sum with itself", { x: random(shape, 1) }, (v) => ((y) => weigh(add(y, y)))(square(v.x))],
  [
    "a residual that goes on beside its branch",
    { x: random(shape, 1) },
    (v) => ((y) => weigh(add(add(y, square(y)), y)))(square(v.x)),
  ],
  ["a tensor used three times", { x: random(shape, 1) }, (v) => weigh(add(square(v.x), v.x))],
];

describe("gradients equal central differences in float64", () => {
  for (const [name, values, fn] of checks) {
    it(name, async () => {
      const { relative, worst } = await gradientCheck(fn, params(values));
      expect(relative, JSON.stringify(worst)).toBeLessThan(1e-7);
    });
  }

  it("stdSpread, with its target held constant", async () => {
    // Nothing flows into the target, so the numeric side must hold it, too: without tokens of class rest it is 1.
    const held = up({ shape: [2, 3], data: Int32Array.of(0, 1, 1, 0, 1, 0) });
    const { relative } = await gradientCheck(
      (v) => stdSpread(rowStd(v.x), held),
      params({ x: random(shape, 1, 2) }),
    );
    expect(relative).toBeLessThan(1e-7);
  });

  it("finds a wrong gradient", async () => {
    const wrong = (v: Variables) => {
      const y = backend.run("gelu", { x: v.x.tensor }, { approximate: "tanh" }).y;
      return sum(
        v.x.tape.record([y], [v.x], (dy, gradients) => {
          gradients.add("geluGrad", { dy, x: v.x.tensor }, { approximate: "none" }, { dx: v.x });
        }),
      );
    };
    const { relative } = await gradientCheck(wrong, params({ x: random(shape, 1) }));
    expect(relative).toBeGreaterThan(1e-6);
  });
});
