/** The checks of pytorch.ts as tests of a backend. Call it in a `describe`. */
import type { Backend } from "@normless/tensor";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, it } from "vitest";
import { openFolder } from "../src/node.js";
import { readFixture } from "./fixture.js";
import { pytorchChecks } from "./pytorch.js";

export const fixture = await readFixture(
  await openFolder(fileURLToPath(new URL("./fixtures/gpt2-nano/", import.meta.url))),
);

export function givesPyTorchsValues(open: () => Promise<Backend>): void {
  let backend: Backend;
  beforeAll(async () => {
    backend = await open();
  });
  afterAll(() => backend.dispose());
  for (const check of pytorchChecks(fixture)) it(check.name, () => check.run(backend));
}
