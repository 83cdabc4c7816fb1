/** What is no ordinary file where data are read, and names that would be taken for more. */
import { execFileSync } from "node:child_process";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { findFiles } from "@normless/data";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type DataFolder, dataFolder } from "./data-folder.js";

let folder: DataFolder;
beforeAll(async () => {
  folder = await dataFolder();
});
afterAll(() => folder.remove());

const kinds = ["a.txt", "a.jsonl", "a.bin", "a.parquet", "a.txt.gz", "a.jsonl.bz2"];

it.each(kinds)("a pipe or a device of the name %s is refused, and not waited for", async (name) => {
  const pipe = folder.file(`pipe-${name}`);
  execFileSync("mkfifo", [pipe]);
  await expect(folder.read(pipe)).rejects.toThrow(
    `pipe-${name}: is a named pipe; only a file is read, or standard input: -`,
  );
  const device = folder.file(`device-${name}`);
  await symlink("/dev/zero", device);
  await expect(folder.read(device)).rejects.toThrow(`device-${name}: is a device; only a file is read`);
});

it.each(kinds)("a link of the name %s to itself, or to nothing, is said", async (name) => {
  await symlink(`loop-${name}`, folder.file(`loop-${name}`));
  await expect(folder.read(folder.file(`loop-${name}`))).rejects.toThrow(/ELOOP/);
  await symlink("nothing", folder.file(`lost-${name}`));
  await expect(folder.read(folder.file(`lost-${name}`))).rejects.toThrow(
    `lost-${name}: there is no such file`,
  );
});

it("a folder's pipes are left out, and its names are shown on one line", async () => {
  const path = folder.file("mixed");
  await mkdir(path);
  await folder.write("mixed/a.txt", "a");
  await folder.write("mixed/b\n\u001b[31m.txt", "b");
  execFileSync("mkfifo", [join(path, "c.txt")]);
  const { files, note } = await findFiles(path);
  expect(files).toEqual([join(path, "a.txt"), join(path, "b\n\u001b[31m.txt")]);
  expect(note).toBe(`${path}: reading a.txt, b\\u{a}\\u{1b}[31m.txt; leaving out c.txt`);
});

it("a column's name with what a terminal obeys is shown as its code", async () => {
  const file = await folder.write("names.jsonl", '{"\\u001b]0;title\\u0007": 1}\n');
  await expect(folder.read(file)).rejects.toThrow("the columns are \\u{1b}]0;title\\u{7}.");
});

it("a row of thousands of brackets is refused with its line", async () => {
  const file = await folder.write(
    "deep.jsonl",
    `{"text": "a"}\n{"text": "b", "more": ${"[".repeat(20_000)}${"]".repeat(20_000)}}\n`,
  );
  await expect(folder.read(file)).rejects.toThrow(
    "deep.jsonl: line 2 has more than 127 lists and objects inside of each other",
  );
});
