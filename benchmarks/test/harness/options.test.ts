import { existsSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { checkApart, outputFile, threadCount } from "../../src/harness/options.js";

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

it("writes over nothing that it reads, and no result over another", async () => {
  const folder = await mkdtemp(join(tmpdir(), "normless-options-"));
  try {
    const [read, link, fresh] = ["read.json", "link.json", "new.json"].map((name) => join(folder, name));
    await writeFile(read, "");
    await symlink(read, link);
    for (const path of [read, link]) {
      expect(() => checkApart({ "--json": path }, [read])).toThrow(
        `--json ${path} would write over a file that is read`,
      );
    }
    expect(() => checkApart({ "--json": fresh, "--html": fresh })).toThrow("the file of --json");
    checkApart({ "--json": fresh, "--html": undefined }, [read, link]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
