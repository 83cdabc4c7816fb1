/** The checks of pytorch.ts as tests of a backend. Call it in a `describe`. */
import type { Backend } from "@normless/tensor";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, it } from "vitest";
import { memoryFolder } from "../src/index.js";
import { FIXTURE_FILES, readFixture } from "./fixture.js";
import { pytorchChecks } from "./pytorch.js";

const at = (name: string) => new URL(`./fixtures/gpt2-nano/${name}`, import.meta.url);
const files = FIXTURE_FILES.map(async (name) => [name, await readFile(at(name))] as const);
export const fixture = await readFixture(
  memoryFolder("fixtures/gpt2-nano", Object.fromEntries(await Promise.all(files))),
);

export function givesPyTorchsValues(open: () => Promise<Backend>): void {
  let backend: Backend;
  beforeAll(async () => {
    backend = await open();
  });
  afterAll(() => backend.dispose());
  for (const check of pytorchChecks(fixture)) it(check.name, () => check.run(backend));
}
