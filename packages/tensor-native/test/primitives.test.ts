/** The families of ops where they are cut into parts and units, how exact their functions are, and places that are outside. */
import {
  type Backend,
  BackendError,
  binaryOperators,
  reference,
  type Tensor,
  type UnaryOp,
  unaryOperators,
} from "@normless/tensor";
import { expectClose, integers, random, uniform } from "@normless/tensor/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engine, isBuilt } from "./built.js";

/** Rows and columns that are longer than a part, more of them than a unit has, and dimensions enough for several walks. */
function everything(backend: Backend): Tensor[] {
  const up = (shape: readonly number[], seed: number, scale = 3, center = 0.5) =>
    backend.upload(random(shape, seed, scale, center).data, shape);
  const ints = (shape: readonly number[], seed: number, limit: number) =>
    backend.upload(integers(shape, seed, limit).data, shape);
  const outputs: Tensor[] = [];
  const keep = (results: Readonly<Record<string, Tensor>>) => outputs.push(...Object.values(results));

  const [a, b] = [up([205, 277], 1), up([205, 277], 2, 2, 3)];
  const [row, column] = [up([277], 3), up([205, 1], 4)];
  keep(backend.run("unary", { x: a }, { op: "sin" }));
  keep(backend.run("clamp", { x: a }, { min: -1, max: 1 }));
  keep(backend.run("cast", { x: a }, { to: "int32" }));
  keep(backend.run("binary", { a, b }, { op: "div" }));
  keep(backend.run("binary", { a: b, b: row }, { op: "pow" }));
  keep(backend.run("binary", { a: column, b }, { op: "sub" }));
  const { y: condition } = backend.run("binary", { a, b: row }, { op: "lt" });
  keep({ condition });
  keep(backend.run("where", { condition, a: column, b: row }, {}));
  const many = [up([2, 1, 2, 1, 2, 1, 2, 1, 2, 1], 5), up([1, 3, 1, 2, 1, 2, 1, 2, 1, 2], 6)];
  keep(backend.run("binary", { a: many[0], b: many[1] }, { op: "mul" }));

  for (const shape of [
    [2, 70_001, 1],
    [2, 20_003, 7],
    [1, 300, 600],
    [800, 90, 1],
  ]) {
    const x = up(shape, 7);
    for (const op of ["sum", "mean", "max", "min", "variance", "logSumExp"] as const)
      keep(backend.run("reduce", { x }, { op }));
    keep(backend.run("reduce", { x: up(shape, 8, 1e-4, 1) }, { op: "prod" }));
    const whole = ints(shape, 9, 1000);
    for (const op of ["sum", "prod", "max", "min"] as const)
      keep(backend.run("reduce", { x: whole }, { op }));
    keep(backend.run("argReduce", { x }, { op: "argmax" }));
    keep(backend.run("argReduce", { x: whole }, { op: "argmin" }));
    for (const reverse of [false, true]) {
      keep(backend.run("cumsum", { x }, { reverse }));
      keep(backend.run("cumsum", { x: whole }, { reverse }));
    }
    for (const log of [false, true]) {
      const { y } = backend.run("softmax", { x }, { log });
      keep({ y, ...backend.run("softmaxGrad", { dy: x, y }, { log }) });
    }
    keep(backend.run("sort", { x }, {}));
    keep(backend.run("sort", { x: whole }, { descending: true }));
  }

  const long = up([41_000], 10);
  keep(backend.run("strided", { x: long }, { shape: [20_000], strides: [2], offset: 1 }));
  keep(backend.run("strided", { x: long }, { shape: [200, 205], strides: [1, 200], offset: 0 }));
  keep(
    backend.run("strided", { x: long }, { shape: [5, 100, 10, 8], strides: [8000, 8, 800, 1], offset: 3 }),
  );
  const nine = { shape: [3, 2, 2, 2, 2, 2, 2, 2, 2, 2], strides: [1, 3, 6, 12, 24, 48, 96, 192, 384, 768] };
  keep(backend.run("strided", { x: long }, { ...nine, offset: 7 }));
  const target = up([300, 300], 11);
  backend.run("assign", { y: target, x: up([200, 250], 12) }, { strides: [1, 300], offset: 4 });
  keep({ target });
  keep(backend.run("full", {}, { shape: [40_000], value: -7.4, dtype: "int32" }));
  keep(backend.run("range", {}, { size: 40_000, start: -3.5, step: 0.25, dtype: "float32" }));

  const slices = up([3, 50, 700], 13);
  const index = ints([120], 14, 50);
  keep(backend.run("indexSelect", { x: slices, index }, {}));
  keep(backend.run("indexAdd", { x: up([3, 120, 70], 15), index }, { N: 50 }));
  const places = ints([3, 60, 700], 16, 50);
  keep(backend.run("gather", { x: slices, index: places }, {}));
  keep(backend.run("scatterAdd", { x: up([3, 60, 700], 17), index: places }, { N: 50 }));
  return outputs;
}

const bits = async (tensor: Tensor) => Buffer.from((await tensor.read()).buffer).toString("base64");

describe.runIf(isBuilt)("threads", () => {
  it("never change a bit of the result", async () => {
    const results = [];
    for (const threads of [1, 2, 3]) {
      const backend = await engine({ threads });
      results.push(await Promise.all(everything(backend).map(bits)));
      await backend.dispose();
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it("agree with the reference where everything is cut into parts", async () => {
    const backend = await engine({ threads: 2 });
    const expected = await Promise.all(everything(reference({ precision: "float32" })).map((x) => x.read()));
    const actual = await Promise.all(everything(backend).map((tensor) => tensor.read()));
    await backend.dispose();
    expect(actual).toHaveLength(expected.length);
    actual.forEach((values, i) => expectClose(`output ${i}`, values, expected[i], 1e-5));
  });
});

/** How many units in the last place a function may be off, anywhere; what is not here is rounded once. */
const ULP: { readonly [K in UnaryOp]?: number } = {
  ...{ exp: 1, expm1: 1.6, log: 0.9, log1p: 1.5, sin: 1.6, cos: 1.6, rsqrt: 1.5 },
  ...{ tanh: 2.4, sigmoid: 2.4, erf: 1.2, silu: 3.2, softplus: 2 },
};
const EDGES = [
  0,
  -0,
  1,
  -1,
  0.5,
  3,
  -3,
  Infinity,
  -Infinity,
  NaN,
  1e-45,
  -1e-38,
  88.7,
  88.8,
  -104,
  3e38,
  4e8,
  -1e30,
];

/** Of any size: bits drawn as they come; then those that are met most. */
function everyKind(seed: number, count: number): Float32Array {
  const next = uniform(seed);
  const words = Uint32Array.from({ length: count }, () => next() * 2 ** 32);
  return Float32Array.from([
    ...EDGES,
    ...new Float32Array(words.buffer),
    ...random([count], seed + 1, 20).data,
    ...random([count], seed + 2, 1).data,
    ...random([count], seed + 3, 1e4).data,
  ]);
}

const float = new Float32Array(1);
const word = new Int32Array(float.buffer);

/** In units of the last place of the float32 next to `exact`; of the least of them, where that is subnormal. */
function unitsOff(actual: number, exact: number): number {
  const rounded = Math.fround(exact);
  if (Object.is(actual, rounded) || actual === rounded)
    return Math.abs(actual - exact) / unitOf(rounded) || 0;
  if (!Number.isFinite(rounded)) return Infinity;
  // Subnormal results may be off by what a product with the argument makes of one unit.
  return Math.abs(actual - exact) / unitOf(Math.abs(rounded) < 2 ** -119 ? 2 ** -119 : rounded);
}

function unitOf(value: number): number {
  if (!Number.isFinite(value)) return Infinity;
  float[0] = Math.abs(value);
  const [below] = float;
  word[0] += 1;
  return Number.isFinite(float[0]) ? float[0] - below : 2 ** 104;
}

describe.runIf(isBuilt)("functions", () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await engine({ threads: 1 });
  });
  afterAll(() => backend.dispose());

  const floats = (Object.keys(unaryOperators) as UnaryOp[]).filter((op) => op !== "logicalNot");
  it.each(floats)("%s is exact to the last places, everywhere", async (op) => {
    const xs = everyKind(1, 20_000);
    const of: (x: number) => number = unaryOperators[op].of;
    const x = backend.upload(xs, [xs.length]);
    const { y } = backend.run("unary", { x }, { op });
    const ys = await y.read();
    const worst = { units: 0, at: 0 };
    xs.forEach((value, i) => {
      const exact = of(value);
      // Where it would be subnormal, sigmoid is 0.
      if (op === "sigmoid" && exact < 2 ** -126 && ys[i] === 0) return;
      const units = unitsOff(ys[i], exact);
      if (units > worst.units) Object.assign(worst, { units, at: i });
    });
    const found = `${op}(${xs[worst.at]}) is ${ys[worst.at]}, and should be ${of(xs[worst.at])}`;
    expect(worst.units, found).toBeLessThanOrEqual(ULP[op] ?? 0.5);
  });

  it("pow is, and is C's where there are special cases", async () => {
    const of: (a: number, b: number) => number = binaryOperators.pow.of;
    const special = Float32Array.from([...EDGES, 2, -2, 2.5, 0.3, 5, -5, 16_777_217]);
    const n = special.length;
    const [bases, exponents] = [everyKind(2, 10_000).map(Math.abs), everyKind(6, 10_000)];
    for (const [as, bs, shapeA, shapeB] of [
      [special, special, [n, 1], [1, n]],
      [bases, exponents, [bases.length], [bases.length]],
    ] as const) {
      const [a, b] = [backend.upload(as, shapeA), backend.upload(bs, shapeB)];
      const ys = await backend.run("binary", { a, b }, { op: "pow" }).y.read();
      ys.forEach((value, i) => {
        const [base, exponent] = shapeA.length === 2 ? [as[Math.floor(i / n)], bs[i % n]] : [as[i], bs[i]];
        const exact = of(base, exponent);
        const what = `${base} to ${exponent} is ${value}, and should be ${exact}`;
        expect(unitsOff(value, exact), what).toBeLessThanOrEqual(1);
        if (exact === 0) expect(Object.is(value, exact), what).toBe(true);
      });
    }
  });
});

describe.runIf(isBuilt)("places", () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await engine({ threads: 2 });
  });
  afterAll(() => backend.dispose());

  it("are refused where they are outside, whoever wrote them, and take nothing", () => {
    const x = backend.upload(random([2, 3, 4], 1).data, [2, 3, 4]);
    const { y: index } = backend.run("range", {}, { size: 4, start: 0, step: 1, dtype: "int32" });
    const { y: places } = backend.run("full", {}, { shape: [2, 3, 4], value: -1, dtype: "int32" });
    const { liveBytes } = backend.memory();
    const outside = /index\[3\] is 3; it must be from 0 to 2/;
    expect(() => backend.run("indexSelect", { x, index }, {})).toThrow(outside);
    const rows = backend.reshape(x, [1, 4, 6]);
    expect(() => backend.run("indexAdd", { x: rows, index }, { N: 3 })).toThrow(outside);
    expect(() => backend.run("gather", { x, index: places }, {})).toThrow(/gather: index\[0\] is -1/);
    expect(() => backend.run("scatterAdd", { x, index: places }, { N: 9 })).toThrow(BackendError);
    expect(backend.memory().liveBytes).toBe(liveBytes);
    backend.write(index, Int32Array.of(0, 1, 2, 0));
    backend.run("indexSelect", { x, index }, {}).y.free();
    backend.run("assign", { y: index, x: backend.reshape(index, [4]) }, { strides: [1], offset: 0 });
  });
});

it.runIf(isBuilt)("adds int32 into int32", async () => {
  const backend = await engine({ threads: 1 });
  const x = backend.upload(Int32Array.of(2 ** 31 - 1, -5, 3, 4, 16_777_217), [5]);
  const y = backend.upload(Int32Array.of(1, 1, 1, 1, 16_777_217), [5]);
  backend.run("unary", { x }, { op: "neg" }, { y });
  expect([...(await y.read())]).toEqual([-(2 ** 31) + 2, 6, -2, -3, 0]);
  const { y: index } = backend.run("full", {}, { shape: [1, 5, 1], value: 1, dtype: "int32" });
  const sums = backend.upload(Int32Array.of(7, 7), [1, 2, 1]);
  backend.run("scatterAdd", { x: backend.reshape(x, [1, 5, 1]), index }, { N: 2 }, { y: sums });
  expect([...(await sums.read())]).toEqual([7, (7 + 2 ** 31 - 1 - 5 + 3 + 4 + 16_777_217) | 0]);
  await backend.dispose();
});
