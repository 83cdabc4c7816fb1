import { conformance } from "@normless/tensor/testing";
import { afterAll, describe, it } from "vitest";
import { native } from "../src/index.js";
import { kernels } from "../src/kernels/index.js";
import { folder } from "./folder.js";

for (const threads of [1, 2]) {
  describe(`native, ${threads} thread(s)`, async () => {
    const backend = await native({ threads, ...folder });
    afterAll(() => backend.dispose());
    for (const check of conformance()) if (check.kernel in kernels) it(check.name, () => check.run(backend));
  });
}
