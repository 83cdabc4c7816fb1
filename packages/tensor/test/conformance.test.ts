import { reference } from "@normless/tensor";
import { conformance } from "@normless/tensor/testing";
import { describe, it } from "vitest";

// The reference in float32 against itself in float64: the kit's own plumbing, and how much float32 storage costs.
describe("reference backend, float32", () => {
  const backend = reference({ precision: "float32" });
  for (const check of conformance({ tolerance: 2e-6 })) it(check.name, () => check.run(backend));
});
