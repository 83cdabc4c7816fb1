import { readFileSync } from "node:fs";
import { format } from "node:util";
import { expect, it, vi } from "vitest";

// The README's second example, on the GPU; test/readmes.test.ts of the repository runs its first.
it("the README's example of ./gpu prints what its comment says", async () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const example = readFileSync(new URL("./readme.example.ts", import.meta.url), "utf8");
  expect([...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, text]) => text)[1]).toBe(example);
  const log = vi.spyOn(console, "log").mockReturnValue();
  try {
    await import("./readme.example.js");
    expect(log.mock.calls.map((values) => format(...values))).toEqual(["[ [ 2, 6 ] ] by webasm"]);
  } finally {
    log.mockRestore();
  }
});
