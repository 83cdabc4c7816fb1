import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withFile } from "@normless/data";
import { afterAll, beforeAll, expect, it } from "vitest";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-pieces-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("reads a file from any place on, in pieces of 64 MiB", async () => {
  const path = join(folder, "some");
  await writeFile(path, Uint8Array.of(1, 2, 3, 4, 5));
  // A hole takes no room on the disk.
  await truncate(path, 2 ** 26 + 3);
  await withFile(path, async (bytes) => {
    const { size } = bytes;
    expect(size).toBe(2 ** 26 + 3);
    const pieces = async (begin: number, end: number) => {
      const found: number[][] = [];
      for await (const piece of bytes.read(begin, end)) found.push([piece.length, piece[0]]);
      return found;
    };
    expect(await pieces(3, 5)).toEqual([[2, 4]]);
    expect(await pieces(1, size)).toEqual([
      [2 ** 26, 2],
      [2, 0],
    ]);
    await truncate(path, 2 ** 26);
    await expect(pieces(0, size)).rejects.toThrow("became shorter");
  });
});
