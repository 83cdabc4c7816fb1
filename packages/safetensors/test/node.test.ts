import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  readFloat32,
  readHeader,
  SafetensorsError,
  writeSafetensors,
  type TensorEntry,
} from "@normless/safetensors";
import { openFile, writeFileAtomic } from "@normless/safetensors/node";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "safetensors-"));
  path = join(folder, "model.safetensors");
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const entries: TensorEntry[] = [
  { name: "a", dtype: "F32", shape: [3], data: Float32Array.of(1, 2, 3) },
  { name: "b", dtype: "F16", shape: [2], data: Float32Array.of(0.5, -0.5) },
];

/** What the package calls on Node's file handles. */
interface Handles {
  read: (
    this: Handles,
    bytes: Uint8Array,
    offset: number,
    length: number,
    at: number,
  ) => Promise<{ bytesRead: number }>;
  write: (
    this: Handles,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ) => Promise<{ bytesWritten: number }>;
  sync: () => Promise<void>;
}

/** The prototype of all file handles, to stand in for a system that fails or does less than asked. */
async function fileHandles(): Promise<Handles> {
  const handle = await open(folder);
  await handle.close();
  return Object.getPrototypeOf(handle) as Handles;
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as the system says it`), { code });
}

describe("openFile", () => {
  it("refuses to read on where the file was written to, and reads the one it opened where another took its place", async () => {
    await writeFileAtomic(path, writeSafetensors(entries));
    const before = await readFile(path);
    const file = await openFile(path);
    await writeFileAtomic(path, [new Uint8Array(before.length)]);
    expect(Buffer.from(await file.read(0, before.length))).toEqual(before);
    await file.close();
    const other = await openFile(path);
    await writeFile(path, before);
    await expect(other.read(0, 8)).rejects.toThrow(
      `${path}: the file was written to since it was opened; open it again`,
    );
    await expect(other.read(0, 8)).rejects.toThrow(SafetensorsError);
    await other.close();
  });

  it("reads what writeFileAtomic wrote, and says how much that was", async () => {
    const bytes = await writeFileAtomic(path, writeSafetensors(entries));
    const source = await openFile(path);
    const header = await readHeader(source);
    expect([...(await readFloat32(source, header, "a"))]).toEqual([1, 2, 3]);
    expect([...(await readFloat32(source, header, "b"))]).toEqual([0.5, -0.5]);
    expect([source.size, source.name]).toEqual([bytes, path]);
    await source.close();
  });

  it("reads on where the system gives less than asked", async () => {
    await writeFileAtomic(path, writeSafetensors(entries));
    const handles = await fileHandles();
    const { read } = handles;
    const spy = vi.spyOn(handles, "read").mockImplementation(function (
      this: Handles,
      bytes,
      offset,
      length,
      at,
    ) {
      return read.call(this, bytes, offset, Math.min(length, 7), at);
    });
    const source = await openFile(path);
    expect(Buffer.from(await source.read(0, source.size)).equals(await readFile(path))).toBe(true);
    expect(spy).toHaveBeenCalledTimes(Math.ceil(source.size / 7));
    await source.close();
  });

  it("names the file when a read fails, or when it has become shorter", async () => {
    await writeFileAtomic(path, writeSafetensors(entries));
    const source = await openFile(path);
    const header = await readHeader(source);
    const handles = await fileHandles();
    const read = vi.spyOn(handles, "read").mockRejectedValue(systemError("EIO"));
    await expect(readFloat32(source, header, "a")).rejects.toThrow(
      `${path}: reading at byte ${header.dataOffset} failed; the system says: EIO: as the system says it`,
    );
    read.mockRestore();
    await writeFile(path, "");
    await expect(readFloat32(source, header, "a")).rejects.toThrow(`${path}: read 0 bytes of`);
    await source.close();
  });

  it("says when there is no file, or a folder", async () => {
    await expect(openFile(path)).rejects.toThrow(
      `${path}: cannot be opened to read; there is no such file or folder (ENOENT): check the path`,
    );
    await expect(openFile(folder)).rejects.toThrow(
      `${folder}: is not a file; give the path of a .safetensors file`,
    );
  });
});

describe("writeFileAtomic", () => {
  beforeEach(() => writeFile(path, "the old file"));

  async function expectOldFile() {
    expect(await readdir(folder)).toEqual(["model.safetensors"]);
    expect(await readFile(path, "utf8")).toBe("the old file");
  }

  it("replaces what was there, and leaves nothing else", async () => {
    expect(await writeFileAtomic(path, [Uint8Array.of(97), new Uint8Array(0), Uint8Array.of(98, 99)])).toBe(
      3,
    );
    expect(await readdir(folder)).toEqual(["model.safetensors"]);
    expect(await readFile(path, "utf8")).toBe("abc");
  });

  it("writes on where the system takes less than given", async () => {
    const handles = await fileHandles();
    const { write } = handles;
    vi.spyOn(handles, "write").mockImplementation(function (this: Handles, bytes, offset, length) {
      return write.call(this, bytes, offset, Math.min(length, 2));
    });
    expect(await writeFileAtomic(path, [new TextEncoder().encode("written in small bits")])).toBe(21);
    expect(await readFile(path, "utf8")).toBe("written in small bits");
  });

  it.each([
    ["ENOSPC", "the disk that holds FOLDER is full (ENOSPC): free some space or choose another folder"],
    ["EDQUOT", "the disk that holds FOLDER is full (EDQUOT): free some space or choose another folder"],
    ["EROFS", "permission was refused (EROFS): change the rights of FOLDER or choose another folder"],
    ["EIO", "the system says: EIO: as the system says it"],
  ])("keeps the old file and removes its own when writing fails with %s", async (code, remedy) => {
    const cause = systemError(code);
    const write = vi.spyOn(await fileHandles(), "write");
    write.mockResolvedValueOnce({ bytesWritten: 8 });
    write.mockRejectedValue(cause);
    const error: unknown = await writeFileAtomic(path, writeSafetensors(entries)).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(SafetensorsError);
    expect(error).toMatchObject({
      message: `${path}: writing failed after 8 bytes; ${remedy.replace("FOLDER", folder)}. What was there before is unchanged`,
      cause,
    });
    await expectOldFile();
  });

  it("keeps the old file when the disk turns out full only at the sync", async () => {
    vi.spyOn(await fileHandles(), "sync").mockRejectedValue(systemError("ENOSPC"));
    await expect(writeFileAtomic(path, writeSafetensors(entries))).rejects.toThrow(
      `${folder} is full (ENOSPC)`,
    );
    await expectOldFile();
  });

  it("passes on an error of the chunks' own, and keeps the old file", async () => {
    const late = entries.map((entry): TensorEntry => ({
      ...entry,
      data: () => Promise.reject(new Error("device lost")),
    }));
    await expect(writeFileAtomic(path, writeSafetensors(late))).rejects.toThrow(/^device lost$/);
    await expectOldFile();
  });

  it("says when the folder is missing, or a folder is in the way", async () => {
    const missing = join(folder, "missing", "model.safetensors");
    await expect(writeFileAtomic(missing, [])).rejects.toThrow(
      `${missing}: writing failed after 0 bytes; there is no such file or folder (ENOENT): check the path, ` +
        `and make the folder ${join(folder, "missing")} first`,
    );
    const occupied = join(folder, "occupied");
    await mkdir(occupied);
    await expect(writeFileAtomic(occupied, [])).rejects.toThrow("a folder is there");
    expect(await readdir(folder)).toEqual(["model.safetensors", "occupied"]);
  });
});
