/** The one example of a package's README: the text of its test/readme.example.ts, run, with what it says it prints. */
import { readFileSync } from "node:fs";
import { format } from "node:util";
import { expect, vi } from "vitest";

export async function checkReadmeExample(name: string): Promise<void> {
  const readme = readFileSync(`packages/${name}/README.md`, "utf8");
  const example = readFileSync(`packages/${name}/test/readme.example.ts`, "utf8");
  expect(/```ts\n(.*?)```/s.exec(readme)?.[1]).toBe(example);
  const promised = [...example.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, comment]) => comment);
  expect(promised.length).toBeGreaterThan(0);
  const log = vi.spyOn(console, "log").mockReturnValue();
  try {
    await import(`../packages/${name}/test/readme.example.ts`);
    expect(log.mock.calls.map((values) => format(...values))).toEqual(promised);
  } finally {
    log.mockRestore();
  }
}
