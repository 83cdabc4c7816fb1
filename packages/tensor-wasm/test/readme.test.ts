import { readFile } from "node:fs/promises";
import { expect, it, vi } from "vitest";

it("the README's example runs and computes the product", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const example = await readFile(new URL("./readme.example.ts", import.meta.url), "utf8");
  expect(/```ts\n(.*?)```/s.exec(readme)?.[1]).toBe(example);

  const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
  await import("./readme.example.js");
  const printed = log.mock.calls;
  log.mockRestore();
  expect(printed).toEqual([
    [expect.stringMatching(/^wasm, (relaxed|plain) SIMD, 2 threads$/), [[-1.5], [-2.5]]],
  ]);
});
