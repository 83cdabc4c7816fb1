import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectClose, random } from "../../packages/tensor/src/testing/index.js";
import { openDevice } from "../../packages/tensor/src/gpu/webgpu/device.js";
import { WebGpuExecutor } from "../../packages/tensor/src/gpu/webgpu/executor.js";
import { product, sizeOfProduct } from "../../packages/tensor/src/gpu/wgsl/product/product.js";
import {
  type Layout,
  productTuning,
  type Variant,
  VARIANTS,
} from "../../packages/tensor/src/gpu/wgsl/product/variant.js";
import { useSwiftShader } from "./vulkan.js";

useSwiftShader();
let device: WebGpuExecutor;
beforeAll(async () => {
  device = new WebGpuExecutor(await openDevice());
});
afterAll(() => device.dispose());

/** Sizes that end inside a tile. Whole vectors; and not, with a summed dimension that is no multiple of 4. */
const SHAPES = {
  wide: { n: 72, m: 136, k: 44, a: "inner", b: "inner" },
  "wide, transposed": { n: 65, m: 68, k: 20, a: "outer", b: "outer" },
  ragged: { n: 67, m: 129, k: 35, a: "outer", b: "inner" },
  deep: { n: 12, m: 20, k: 3104, a: "inner", b: "inner" },
  "deep, transposed": { n: 3, m: 7, k: 2052, a: "outer", b: "outer" },
  "deep, ragged": { n: 5, m: 33, k: 2049, a: "outer", b: "inner" },
} as const;
type ShapeName = keyof typeof SHAPES;

function valuesOf(name: ShapeName) {
  const { n, m, k, a, b } = SHAPES[name];
  const [left, right] = [random([n * k], 1).data, random([m * k], 2).data];
  const [bias, before] = [random([m], 3).data, random([n * m], 4).data];
  const at = (layout: Layout, outer: number, i: number, count: number) =>
    layout === "outer" ? outer * k + i : i * count + outer;
  const expected = Float64Array.from({ length: n * m }, (_, e) => {
    let sum = 0;
    for (let i = 0; i < k; i++) sum += left[at(a, Math.floor(e / m), i, n)] * right[at(b, e % m, i, m)];
    return sum;
  });
  return { left, right, bias, before, expected };
}

/** The product; with `onto`, with a bias and added to what is there. */
async function run(name: ShapeName, variant: Variant, onto = false): Promise<Float32Array> {
  const { n, m, k, a, b } = SHAPES[name];
  const { left, right, bias, before } = valuesOf(name);
  const spec = {
    a: { buffer: "a", width: a === "outer" ? k : n, layout: a },
    b: { buffer: "b", width: b === "outer" ? k : m, layout: b },
    c: { buffer: "c", width: m },
    add: onto,
    ...(onto && { bias: { buffer: "bias", left: 0 } }),
    n,
    m,
    k,
  };
  const program = {
    adds: ["c"],
    ...product(
      spec,
      productTuning(() => variant),
    ),
  };
  const operands = { a: device.upload(left), b: device.upload(right), bias: device.upload(bias) };
  const c = device.upload(before);
  const outputs = { c: { size: n * m, ...(onto && { into: c }) } };
  return device.read(device.run(program, operands, outputs).outputs.c, n * m);
}

// Tiles take SwiftShader seconds to compile, so each is held to one shape only; the rest is conformance's.
describe.each([
  { variant: VARIANTS[0], shapes: ["wide", "ragged"] },
  { variant: VARIANTS[1], shapes: ["wide, transposed"] },
  { variant: VARIANTS[2], shapes: ["wide", "wide, transposed", "ragged", "deep"] },
  { variant: VARIANTS[3], shapes: ["wide", "wide, transposed", "ragged"] },
] as const)("a product, $variant.scheme, $variant.blocks block(s)", ({ variant, shapes }) => {
  it.each(shapes)("%s", async (name) => {
    const first = await run(name, variant);
    expectClose(name, first, valuesOf(name).expected, 1e-6);
    expect(await run(name, variant)).toEqual(first);
  });
});

describe.each([
  { variant: VARIANTS[0], shapes: ["deep, ragged"] },
  { variant: VARIANTS[2], shapes: ["deep", "deep, transposed", "deep, ragged"] },
] as const)("a deep product, $variant.scheme, split", ({ variant, shapes }) => {
  it.each(shapes)("%s: right, and the bits of the pieces in turn", async (name) => {
    const { n, m, k } = SHAPES[name];
    expect(sizeOfProduct(n, m, k)).toEqual({ size: "deep", piece: 1024 });
    const split = { ...variant, split: true };
    const inTurn = { ...VARIANTS[2], split: false };
    expectClose(name, await run(name, split), valuesOf(name).expected, 1e-6);
    expect(await run(name, split)).toEqual(await run(name, inTurn));
    const { expected, bias, before } = valuesOf(name);
    const onto = await run(name, split, true);
    const sum = expected.map((value, i) => before[i] + bias[i % m] + value);
    expectClose(`${name}, with bias, added`, onto, sum, 1e-6);
    expect(onto).toEqual(await run(name, inTurn, true));
  });
});

describe.each([
  { variant: VARIANTS[0], shapes: ["wide"] },
  { variant: VARIANTS[2], shapes: ["wide", "ragged", "deep"] },
] as const)("a stack of products, $variant.scheme, whose right side is shared", ({ variant, shapes }) => {
  it.each(shapes)("%s: the bits of each alone", async (name) => {
    const { n, m, k, a, b } = SHAPES[name];
    const { left, right } = valuesOf(name);
    const spec = {
      a: { buffer: "a", width: a === "outer" ? k : n, layout: a },
      b: { buffer: "b", width: m, layout: b },
      c: { buffer: "c", width: m },
      stack: { count: 2, a: a === "outer" ? n : k, b: 0 },
      ...{ add: false, n, m, k },
    };
    const program = product(
      spec,
      productTuning(() => ({ ...variant, split: true })),
    );
    const both = Float32Array.from([...left, ...left.map((value) => 2 * value)]);
    const operands = { a: device.upload(both), b: device.upload(right) };
    const { c } = device.run(program, operands, { c: { size: 2 * n * m } }).outputs;
    const alone = await run(name, variant);
    expect(await device.read(c, 2 * n * m)).toEqual(
      Float32Array.from([...alone, ...alone.map((value) => 2 * value)]),
    );
  });
});

it("cuts a long sum in pieces of whole tiles, by the sizes alone", () => {
  const size = fc.integer({ min: 1, max: 60_000 });
  fc.assert(
    fc.property(size, size, fc.integer({ min: 1, max: 300_000 }), (n, m, k) => {
      const { size: name, piece } = sizeOfProduct(n, m, k);
      expect(piece).toBeLessThanOrEqual(4096);
      if (piece < k) expect(piece % 32).toBe(0);
      if (name === "deep") expect(Math.ceil(k / piece)).toBeGreaterThan(1);
    }),
  );
});
