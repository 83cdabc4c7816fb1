import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { outputFile, threadCount } from "../src/options.js";

afterEach(() => vi.unstubAllEnvs());

it("takes whole numbers and nothing else", () => {
  expect(["1", "64"].map(threadCount)).toEqual([1, 64]);
  for (const text of ["x", "", "0", "65", "1.5", "-1", "2x", "1e1"])
    expect(() => threadCount(text), text).toThrow("Expected a whole number from 1 to 64.");
});

it("names a file from where npm was called, and makes its folder or refuses", async () => {
  const folder = await mkdtemp(join(tmpdir(), "normless-options-"));
  try {
    vi.stubEnv("INIT_CWD", folder);
    expect(outputFile("some/where/a.json")).toBe(join(folder, "some/where/a.json"));
    expect(existsSync(join(folder, "some/where"))).toBe(true);
    await writeFile(join(folder, "file"), "");
    expect(() => outputFile("file/a.json")).toThrow(/EEXIST|ENOTDIR/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
