import { readFile } from "node:fs/promises";
import { inspect } from "node:util";
import { expect, it, vi } from "vitest";

it("the README's example prints what its comments say", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const example = await readFile(new URL("./readme.example.ts", import.meta.url), "utf8");
  expect(/```ts\n(.*?)```/s.exec(readme)?.[1]).toBe(example);

  const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
  await import("./readme.example.js");
  const printed = log.mock.calls.map((values) => values.map((value) => inspect(value)).join(" "));
  log.mockRestore();
  expect(printed).toEqual([...example.matchAll(/; \/\/ (.*)/g)].map(([, said]) => said));
});
