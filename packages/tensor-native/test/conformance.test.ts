import { conformance } from "@normless/tensor/testing";
import { afterAll, describe, it } from "vitest";
import { kernels } from "../src/kernels/index.js";
import { engine, isBuilt } from "./built.js";

for (const threads of [1, 2]) {
  describe.runIf(isBuilt)(`native, ${threads} thread(s)`, async () => {
    const backend = await engine({ threads });
    afterAll(() => backend.dispose());
    for (const check of conformance()) if (check.kernel in kernels) it(check.name, () => check.run(backend));
  });
}
