import { blas } from "@normless/tensor-blas";
import { conformance } from "@normless/tensor/testing";
import { afterAll, describe, expect, it } from "vitest";
import { givesPyTorchsValues } from "../../packages/gpt2/test/gives-pytorchs-values.js";
import { checkReadmeExample } from "../readme-example.js";

describe("blas", async () => {
  const backend = await blas({ threads: 2 });
  afterAll(() => backend.dispose());

  it("says what does the products", () => {
    expect(backend.name).toBe("blas");
    expect(backend.description).toMatch(/^wasm, \w+ SIMD, 2 threads, products by .+ \(.+\)$/);
  });

  for (const check of conformance()) it(check.name, () => check.run(backend));

  it("goes on after the memory has grown", async () => {
    // Enough rows for the library: products of a few are the engine's own.
    const x = backend.upload(
      Float32Array.from({ length: 8 }, (_, i) => i),
      [8, 1],
    );
    const large = backend.upload(new Float32Array(32 << 20), [32 << 20]);
    const w = backend.upload(Float32Array.of(3), [1, 1]);
    const { y } = backend.run("linear", { x, w }, {});
    expect([...(await y.read())]).toEqual([0, 3, 6, 9, 12, 15, 18, 21]);
    large.free();
  });
});

describe("GPT-2 gives PyTorch's values on blas", () => {
  givesPyTorchsValues(() => blas({ threads: 2 }));
});

it("runs the example of its README", () => checkReadmeExample("tensor-blas"));
