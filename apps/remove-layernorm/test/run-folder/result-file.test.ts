/** Files that commands write: refused before the work where they cannot be written (outputs.test.ts: where they are read, too). */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, writeTiny } from "../support/tiny.js";

let folder: string;
let model: string;
let rows: string;
let norms: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-results-"));
  ({ model } = await writeTiny(folder));
  rows = join(folder, "rows.json");
  await writeFile(rows, "[[1,2,3]]");
  norms = join(folder, "norms.json");
  await writeFile(norms, '{"ln_f": 1}');
});
afterAll(() => rm(folder, { recursive: true }));

/** What a command line says that is refused before anything is measured. */
async function refused(...argv: string[]): Promise<string> {
  const { code, out, err } = await run([...argv, "--threads", "1"]);
  expect([code, out]).toEqual([2, ""]);
  expect(err).not.toContain("validating");
  return err;
}
const commands = (): [option: string, ...argv: string[]][] => [
  ["--json", "eval", "--model", model],
  ["--json", "compare", "--model", model, model],
  ["--html", "compare", "--model", model, model],
  ["--json", "attribute", "--model", model, "--prompt", "a"],
  ["--safetensors", "logits", "--model", model, "--token-ids", rows, "--norms", norms],
];

describe("a file to write", () => {
  it("in no folder, in the place of a folder, or that is a device, is refused at the start", async () => {
    for (const [option, ...argv] of commands()) {
      const nowhere = join(folder, "none", "x.json");
      expect(await refused(...argv, option, nowhere)).toContain(
        `${option} ${nowhere}: there is no folder ${join(folder, "none")}; give another path`,
      );
      expect(await refused(...argv, option, join(rows, "x"))).toMatch(/cannot be written to \(ENOTDIR\)/);
      for (const path of [folder, "/dev/null", ""]) {
        expect(await refused(...argv, option, path)).toContain(`${option} ${path}: that is no ordinary file`);
      }
    }
  });

  it("is written by every command alike, over an older one, and said", async () => {
    for (const [option, ...argv] of commands()) {
      const path = join(folder, `${argv[0]}-result`);
      await writeFile(path, "old");
      const { code, out } = await run([...argv, option, path, "--threads", "1"]);
      expect(code).toBe(0);
      expect(out).toContain(`Wrote ${path}`);
      expect((await readFile(path)).length).toBeGreaterThan(100);
    }
  });
});
