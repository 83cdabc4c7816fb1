import { existsSync, readdirSync, readFileSync } from "node:fs";
import { format } from "node:util";
import { describe, expect, it, vi } from "vitest";

// Every package's README shows one example: the same text as test/readme.example.ts, which is type-checked, and run
// here. What it prints must be what the comments behind its console.log calls say.
const packages = readdirSync("packages").filter((name) => existsSync(`packages/${name}/package.json`));

describe("README examples", () => {
  for (const name of packages) {
    it(`of ${name} runs and prints what its comments say`, async () => {
      const readme = readFileSync(`packages/${name}/README.md`, "utf8");
      const example = readFileSync(`packages/${name}/test/readme.example.ts`, "utf8");
      expect(/```ts\n(.*?)```/s.exec(readme)?.[1]).toBe(example);
      const promised = [...example.matchAll(/^ *console\.log\(.*\); \/\/ (.*)$/gm)].map(
        ([, comment]) => comment,
      );
      expect(promised.length).toBeGreaterThan(0);
      const log = vi.spyOn(console, "log").mockReturnValue();
      try {
        await import(`../packages/${name}/test/readme.example.ts`);
        expect(log.mock.calls.map((values) => format(...values))).toEqual(promised);
      } finally {
        log.mockRestore();
      }
    });
  }
});
