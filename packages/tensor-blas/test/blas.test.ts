import { BackendError } from "@normless/tensor";
import { conformance } from "@normless/tensor/testing";
import { afterAll, describe, expect, it } from "vitest";
import { blas } from "../src/index.js";

describe("blas", async () => {
  const backend = await blas({ threads: 2 });
  afterAll(() => backend.dispose());

  it("says what does the products", () => {
    expect(backend.name).toBe("blas");
    expect(backend.description).toMatch(/^wasm, \w+ SIMD, 2 threads, products by .+ \(.+\)$/);
  });

  for (const check of conformance()) it(check.name, () => check.run(backend));

  it("goes on after the memory has grown", async () => {
    const x = backend.upload(Float32Array.of(2), [1, 1]);
    const large = backend.upload(new Float32Array(32 << 20), [32 << 20]);
    const w = backend.upload(Float32Array.of(3), [1, 1]);
    const { y } = backend.run("linear", { x, w }, {});
    expect([...(await y.read())]).toEqual([6]);
    large.free();
  });
});

it("names what was tried and what to install when there is no library", async () => {
  await expect(blas({ library: "libno-such-blas.so" })).rejects.toThrow(BackendError);
  await expect(blas({ library: "libno-such-blas.so" })).rejects.toThrow(
    /no library with cblas_sgemm was found\. .+ Tried libno-such-blas\.so: /,
  );
});

it("refuses a library without cblas_sgemm", async () => {
  const library = process.platform === "linux" ? "libm.so.6" : "koffi";
  await expect(blas({ library })).rejects.toThrow(/no library with cblas_sgemm/);
});
