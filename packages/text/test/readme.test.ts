import { readFile } from "node:fs/promises";
import { expect, it, vi } from "vitest";

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), "utf8");

it("runs the README's example, which prints what the README says", async () => {
  const [, code, printed] =
    /^```ts\n(.*?)^```$.*?^```text\n(.*?)^```$/ms.exec(await read("../README.md")) ?? [];
  expect(code).toBe(await read("./example.ts"));
  const log = vi.spyOn(console, "log").mockReturnValue();
  try {
    await import("./example.js");
    expect(log.mock.calls.map((line) => `${line.join(" ")}\n`).join("")).toBe(printed);
  } finally {
    log.mockRestore();
  }
});
