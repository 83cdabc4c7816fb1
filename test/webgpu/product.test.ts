import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectClose, random } from "../../packages/tensor/src/testing/index.js";
import { openDevice } from "../../packages/tensor/src/gpu/webgpu/device.js";
import { WebGpuExecutor } from "../../packages/tensor/src/gpu/webgpu/executor.js";
import { type Layout, product, productTuning, VARIANTS } from "../../packages/tensor/src/gpu/wgsl/product.js";
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
} as const;

// Tiles take SwiftShader seconds to compile, so each is held to one shape only; the rest is conformance's.
describe.each([
  { variant: VARIANTS[0], shapes: ["wide", "ragged"] },
  { variant: VARIANTS[1], shapes: ["wide, transposed"] },
  { variant: VARIANTS[2], shapes: ["wide", "wide, transposed", "ragged"] },
  { variant: VARIANTS[3], shapes: ["wide", "wide, transposed", "ragged"] },
] as const)("a product, $variant.scheme, $variant.blocks block(s)", ({ variant, shapes }) => {
  it.each(shapes)("%s", async (name) => {
    const { n, m, k, a, b } = SHAPES[name];
    const [left, right] = [random([n * k], 1).data, random([m * k], 2).data];
    const at = (layout: Layout, outer: number, i: number, count: number) =>
      layout === "outer" ? outer * k + i : i * count + outer;
    const expected = Float64Array.from({ length: n * m }, (_, e) => {
      let sum = 0;
      for (let i = 0; i < k; i++) sum += left[at(a, Math.floor(e / m), i, n)] * right[at(b, e % m, i, m)];
      return sum;
    });
    const spec = {
      a: { buffer: "a", width: a === "outer" ? k : n, layout: a },
      b: { buffer: "b", width: b === "outer" ? k : m, layout: b },
      c: { buffer: "c", width: m },
      add: false,
      n,
      m,
      k,
    };
    const operands = { a: device.upload(left), b: device.upload(right) };
    const run = async () => {
      const passes = [
        product(
          spec,
          productTuning(() => variant),
        ),
      ];
      return device.read(device.run({ passes }, operands, { c: { size: n * m } }).outputs.c, n * m);
    };
    const first = await run();
    expectClose(name, first, expected, 1e-6);
    expect(await run()).toEqual(first);
  });
});
