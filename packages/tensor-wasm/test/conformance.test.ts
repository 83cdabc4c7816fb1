import { conformance } from "@normless/tensor/testing";
import { afterAll, describe, it } from "vitest";
import { wasm } from "../src/index.js";

for (const simd of ["relaxed", "plain"] as const) {
  for (const threads of [1, 2]) {
    describe(`wasm, ${simd} SIMD, ${threads} thread(s)`, async () => {
      const backend = await wasm({ simd, threads });
      afterAll(() => backend.dispose());
      for (const check of conformance()) it(check.name, () => check.run(backend));
    });
  }
}
