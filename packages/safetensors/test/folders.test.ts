/** What lies at a path where a file or a folder is wanted. */
import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SafetensorsError } from "@normless/safetensors";
import { makeFolder, openFile, writeFileAtomic } from "@normless/safetensors/node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "safetensors-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("makeFolder", () => {
  it("makes a folder and those that it is in, and tells the outermost that it made", async () => {
    expect(await makeFolder(join(folder, "a", "b", "c"))).toBe(join(folder, "a"));
    expect(await makeFolder(join(folder, "a", "b", "d"))).toBe(join(folder, "a", "b", "d"));
    expect(await makeFolder(join(folder, "a", "b", "c"))).toBeUndefined();
    expect((await stat(join(folder, "a/b/c"))).isDirectory()).toBe(true);
  });

  it("is one of several at once", async () => {
    const path = join(folder, "x", "y");
    await Promise.all(Array.from({ length: 8 }, () => makeFolder(path)));
    expect((await stat(path)).isDirectory()).toBe(true);
  });

  it("refuses a place where there is none, and a file on the way", async () => {
    await writeFile(join(folder, "file"), "");
    for (const path of [
      "/proc/normless/run",
      "/proc/normless",
      join(folder, "file"),
      join(folder, "file", "a"),
    ]) {
      await expect(makeFolder(path)).rejects.toThrow(SafetensorsError);
    }
    await expect(makeFolder(join(folder, "file", "a"))).rejects.toThrow(
      /: the folder cannot be made; a file is there, or on the way there \((ENOTDIR|EEXIST)\): choose another folder$/,
    );
  });
});

/** As somebody who has no rights beyond those of files: root has. */
async function withoutRights(use: () => Promise<void>): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    await use();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

it("a folder that may not be written to is said, with what to do, and nothing is left in it", async () => {
  const path = join(folder, "locked");
  await mkdir(path);
  await chmod(folder, 0o755);
  await chmod(path, 0o555);
  const mend = `permission was refused (EACCES): change the rights of ${path} or choose another folder`;
  await withoutRights(async () => {
    await expect(makeFolder(join(path, "a"))).rejects.toThrow(
      `${join(path, "a")}: the folder cannot be made; ${mend}`,
    );
    await expect(writeFileAtomic(join(path, "a"), [])).rejects.toThrow(mend);
  });
  await writeFile(join(folder, "secret"), "", { mode: 0o600 });
  await withoutRights(async () => {
    await expect(openFile(join(folder, "secret"))).rejects.toThrow("permission was refused (EACCES)");
  });
  expect(await readdir(path)).toEqual([]);
});

describe("openFile", () => {
  it("refuses what is no file, without waiting for it", async () => {
    const pipe = join(folder, "pipe.safetensors");
    execFileSync("mkfifo", [pipe]);
    await mkdir(join(folder, "folder.safetensors"));
    await symlink("/dev/zero", join(folder, "device.safetensors"));
    for (const name of ["pipe", "folder", "device"]) {
      await expect(openFile(join(folder, `${name}.safetensors`))).rejects.toThrow(
        `${name}.safetensors: is not a file; give the path of a .safetensors file`,
      );
    }
    await symlink("loop.safetensors", join(folder, "loop.safetensors"));
    await expect(openFile(join(folder, "loop.safetensors"))).rejects.toThrow(
      /cannot be opened to read; .*ELOOP/,
    );
  });
});
