import { readFile } from "node:fs/promises";
import { format } from "node:util";
import { expect, it, vi } from "vitest";

it("the README's example runs and prints what its comments say", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const example = await readFile(new URL("readme.example.ts", import.meta.url), "utf8");
  expect(/```ts\n(.*?)```/s.exec(readme)?.[1]).toBe(example);
  const promised = [...example.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, comment]) => comment);
  const log = vi.spyOn(console, "log").mockReturnValue();
  try {
    await import("./readme.example.js");
    expect(log.mock.calls.map((values) => format(...values))).toEqual(promised);
  } finally {
    log.mockRestore();
  }
});
