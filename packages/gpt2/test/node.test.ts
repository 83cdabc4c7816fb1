import type * as FileSystem from "node:fs/promises";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { presets } from "../src/index.js";
import { readModelFolder, writeModelFolder } from "../src/node.js";
import { randomModel } from "../src/testing/index.js";

const disk = vi.hoisted(() => ({ fullAt: "" }));

// A disk that is full at the file whose name `fullAt` is.
vi.mock("node:fs/promises", async (importOriginal) => {
  const fs = await importOriginal<typeof FileSystem>();
  const open: typeof fs.open = async (path, ...rest) => {
    const file = await fs.open(path, ...rest);
    if (disk.fullAt && String(path).includes(disk.fullAt)) {
      vi.spyOn(file, "write").mockRejectedValue(
        Object.assign(new Error("no space left"), { code: "ENOSPC" }),
      );
    }
    return file;
  };
  return { ...fs, open };
});

const config = {
  ...presets.base,
  vocabSize: 7,
  blockSize: 5,
  channels: 6,
  inner: 24,
  heads: 3,
  layers: 1,
  eot: 6,
};
const model = randomModel(config, 1);
const other = randomModel(config, 2);
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "normless-"));
});
afterEach(async () => {
  disk.fullAt = "";
  await rm(root, { recursive: true });
});

it("writes a folder that reads back, and makes it where there is none", async () => {
  const path = join(root, "deep", "model");
  await writeModelFolder(path, { ...model, modelCard: "# Tiny" });
  expect((await readdir(path)).sort()).toEqual(["README.md", "config.json", "model.safetensors"]);
  expect(await readModelFolder(path)).toEqual({
    ...model,
    layout: "standard",
    tokenizer: undefined,
    tokenizerFiles: {},
    notes: [],
  });
});

it("writes into an empty folder, and over a full one only when told", async () => {
  const path = join(root, "model");
  await mkdir(path);
  await writeModelFolder(path, model);
  await expect(writeModelFolder(path, other)).rejects.toThrow(
    "the folder is not empty (config.json, model.safetensors)",
  );
  expect((await readModelFolder(path)).weights).toEqual(model.weights);
  await writeFile(join(path, "notes.txt"), "mine");
  await writeModelFolder(path, other, { overwrite: true });
  expect((await readModelFolder(path)).weights).toEqual(other.weights);
  expect(await readFile(join(path, "notes.txt"), "utf8")).toBe("mine");
});

it("writes shards and their index, and leaves no weights of another writing behind", async () => {
  const path = join(root, "model");
  await writeModelFolder(path, model);
  await writeModelFolder(path, { ...other, shardBytes: 2000 }, { overwrite: true });
  expect((await readdir(path)).sort()).toEqual([
    "config.json",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
  ]);
  expect((await readModelFolder(path)).weights).toEqual(other.weights);
  await writeModelFolder(path, model, { overwrite: true });
  expect((await readdir(path)).sort()).toEqual(["config.json", "model.safetensors"]);
});

it.each(["model.safetensors", "config.json"])(
  "leaves nothing behind when the disk is full at %s",
  async (file) => {
    disk.fullAt = file;
    const path = join(root, "model");
    const failure = writeModelFolder(path, model);
    await expect(failure).rejects.toThrow(
      /model: the model was not written: .*is full \(ENOSPC\): free some space/,
    );
    await expect(failure).rejects.not.toThrow(".tmp");
    expect(await readdir(root)).toEqual([]);
  },
);

it("leaves what was there as it was when the disk is full", async () => {
  await writeModelFolder(join(root, "model"), model);
  disk.fullAt = "config.json";
  await expect(writeModelFolder(join(root, "model"), other, { overwrite: true })).rejects.toThrow("ENOSPC");
  expect((await readdir(join(root, "model"))).sort()).toEqual(["config.json", "model.safetensors"]);
  expect((await readModelFolder(join(root, "model"))).weights).toEqual(model.weights);
});

it("says that there is no folder, or no model in it", async () => {
  await expect(readModelFolder(join(root, "nothing"))).rejects.toThrow("nothing: there is no such folder");
  await expect(readModelFolder(root)).rejects.toThrow("there is no config.json; the files there are: none");
  await writeFile(join(root, "file"), "");
  await expect(readModelFolder(join(root, "file"))).rejects.toThrow("file: there is no such folder");
});
