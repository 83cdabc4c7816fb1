/** What needs no library. With one: test/blas at the root, `npm test -- --project blas`. */
import { BackendError } from "@normless/tensor";
import { expect, it } from "vitest";
import { blas } from "../src/index.js";

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
