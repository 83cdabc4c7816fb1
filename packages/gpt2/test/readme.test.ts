import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { expect, it, vi } from "vitest";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

it("the README's example runs and prints what its comments say", async () => {
  const example = /```ts\n(.*?)```/s.exec(read("../README.md"))?.[1] ?? "";
  expect(read("./readme-example.ts").split("\n").slice(1).join("\n")).toBe(example);
  const log = vi.spyOn(console, "log").mockReturnValue();
  await import("./readme-example.js");
  const printed = log.mock.calls.map((values) => values.map((value) => inspect(value)).join(" "));
  log.mockRestore();
  const promised = [...example.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)].map(([, comment]) => comment);
  expect(printed).toEqual(promised);
});
