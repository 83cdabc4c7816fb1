import { gpu } from "@normless/tensor/gpu";
import { conformance } from "@normless/tensor/testing";
import { afterAll, describe, it } from "vitest";

describe("gpu, webasm", async () => {
  const backend = await gpu({ mode: "webasm" });
  afterAll(() => backend.dispose());
  for (const check of conformance()) it(check.name, () => check.run(backend));
});
