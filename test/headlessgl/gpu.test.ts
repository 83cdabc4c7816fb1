import { gpu } from "@normless/tensor/gpu";
import { conformance } from "@normless/tensor/testing";
import { afterAll, describe, expect, it } from "vitest";

describe("gpu, headlessgl", async () => {
  const backend = await gpu({ mode: "headlessgl" });
  afterAll(() => backend.dispose());
  it("runs in the mode that was asked for", () => {
    expect(backend.description).toBe("gpu, headlessgl by gpu.js");
  });
  for (const check of conformance()) it(check.name, () => check.run(backend));
});
