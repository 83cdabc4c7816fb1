/** Folders and patterns in the place of data files. The command's tests have more of them. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFiles, RequestError } from "@normless/data";
import { afterAll, beforeAll, expect, it } from "vitest";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-find-"));
  await mkdir(join(folder, "deeper"));
  for (const name of ["b.txt", "a.jsonl", "b.txt.gz", "notes.md", "deeper/c.txt"]) {
    await writeFile(join(folder, name), "");
  }
});
afterAll(() => rm(folder, { recursive: true }));

it("takes a path, an address and standard input as they are, with nothing to say", async () => {
  for (const path of [join(folder, "b.txt"), "none.txt", "https://example.org/a*.txt", "jsonl:-"]) {
    expect(await findFiles(path)).toEqual({ files: [path] });
  }
});

it("finds the data files of a folder, and says which", async () => {
  expect(await findFiles(folder)).toEqual({
    files: ["a.jsonl", "b.txt"].map((name) => join(folder, name)),
    note: `${folder}: reading a.jsonl, b.txt; leaving out b.txt.gz, deeper/, notes.md`,
  });
});

it("finds what matches a pattern", async () => {
  const pattern = join(folder, "**/*.{txt,md}");
  expect(await findFiles(pattern)).toEqual({
    files: ["b.txt", "deeper/c.txt"].map((name) => join(folder, name)),
    note: `${pattern}: leaving out ${join(folder, "notes.md")}`,
  });
});

it("refuses a folder and a pattern without any", async () => {
  await mkdir(join(folder, "empty"));
  const refused = (path: string) => expect(findFiles(path)).rejects;
  await refused(join(folder, "empty")).toThrow(RequestError);
  await refused(join(folder, "empty")).toThrow("there is no data file in the folder (.bin, ");
  await refused(join(folder, "nope")).toThrow(`${join(folder, "nope")}: there is no such file or folder`);
  await refused(join(folder, "*.bin")).toThrow(`${join(folder, "*.bin")}: no file matches`);
});
