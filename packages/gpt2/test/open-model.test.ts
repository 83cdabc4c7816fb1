/** A model whose weights are read from its files when they are needed: what is open, what is read, and what may change. */
import { mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ByteSource, SafetensorsError } from "@normless/safetensors";
import { dry } from "@normless/tensor";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type Folder,
  foldModel,
  freeParams,
  gatherWeights,
  type HostModel,
  memoryFolder,
  modelFiles,
  parameterCount,
  presets,
  readModel,
  readValues,
  toEps1e12,
  toTransformerLens,
  untieHead,
  uploadWeights,
} from "../src/index.js";
import { openModelFolder, readModelFolder, writeModelFolder } from "../src/node.js";
import { frozenModel, randomModel } from "../src/testing/index.js";
import { filesOf } from "./model-files.js";

const config = {
  ...presets.base,
  ...{ vocabSize: 500, blockSize: 5, channels: 16, inner: 64, heads: 2, layers: 2, eot: 49 },
};
const model = frozenModel(config, 1);
let root: string;
let path: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "normless-open-"));
  path = join(root, "model");
  await writeModelFolder(path, model);
});
afterEach(() => rm(root, { recursive: true }));

/** How many files of the folder this process has open; undefined where the system does not tell. */
async function openFiles(): Promise<number | undefined> {
  const { readlink } = await import("node:fs/promises");
  const descriptors = await readdir("/proc/self/fd").catch(() => undefined);
  const targets = descriptors?.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ""));
  return targets && (await Promise.all(targets)).filter((target) => target.startsWith(root)).length;
}

const linux = process.platform === "linux";

describe("openModelFolder", () => {
  it("reads a weight when it is asked for, anew each time", async () => {
    const open = await openModelFolder(path);
    const wte = open.weights["wte.weight"];
    const [first, second] = [await readValues(wte), await readValues(wte)];
    expect(first).toEqual(model.weights["wte.weight"].data);
    expect(second).not.toBe(first);
    expect(await gatherWeights(open.weights)).toEqual(model.weights);
    await open.close();
  });

  it.runIf(linux)("has its files open until it is closed, which may be done again", async () => {
    const open = await openModelFolder(path);
    expect(await openFiles()).toBeGreaterThan(0);
    await open.close();
    await open.close();
    expect(await openFiles()).toBe(0);
    await expect(readValues(open.weights["wte.weight"])).rejects.toThrow(SafetensorsError);
  });

  it.runIf(linux)("leaves nothing open where it fails, and readModelFolder never does", async () => {
    await readModelFolder(path);
    expect(await openFiles()).toBe(0);
    await writeFile(join(path, "vocab.json"), "{");
    await expect(openModelFolder(path)).rejects.toThrow("vocab.json");
    await expect(readModelFolder(path)).rejects.toThrow("vocab.json");
    expect(await openFiles()).toBe(0);
  });

  it("reads the files that were opened, whatever takes their place", async () => {
    const open = await openModelFolder(path);
    const other = join(root, "other");
    await writeModelFolder(other, frozenModel(config, 2));
    await rename(join(other, "model.safetensors"), join(path, "model.safetensors"));
    expect(await gatherWeights(open.weights)).toEqual(model.weights);
    await open.close();
  });

  it("says of a file that was cut, or written to, that it changed", async () => {
    const file = join(path, "model.safetensors");
    const bytes = await readFile(file);
    const open = await openModelFolder(path);
    await truncate(file, bytes.length - 1000);
    const last = open.weights["h.1.mlp.c_proj.bias"];
    await expect(readValues(last)).rejects.toThrow("the file changed while it was read");
    await writeFile(
      file,
      bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)),
    );
    const reading = gatherWeights(open.weights);
    await expect(reading).rejects.toThrow(
      `${file}: the file was written to since it was opened; open it again`,
    );
    await expect(reading).rejects.toThrow(SafetensorsError);
    await open.close();
  });

  it("leaves nothing on a backend where a weight cannot be read", async () => {
    const open = await openModelFolder(path);
    const backend = dry();
    freeParams(await uploadWeights(backend, open.weights));
    await truncate(join(path, "model.safetensors"), 3000);
    await expect(uploadWeights(backend, open.weights)).rejects.toThrow(SafetensorsError);
    expect(backend.memory().liveTensors).toBe(0);
    await open.close();
  });

  it("may be folded and written over its own folder", async () => {
    const open = await openModelFolder(path);
    await writeModelFolder(path, foldModel(open), { overwrite: true });
    await open.close();
    expect((await readModelFolder(path)).weights).toEqual(await gatherWeights(foldModel(model).weights));
  });
});

/** A folder in memory that counts the bytes that are read of its weights. */
async function counted(written: HostModel): Promise<{ folder: Folder; read: () => number }> {
  const inside = memoryFolder("m", await filesOf(written));
  let bytes = 0;
  const counting = (source: ByteSource): ByteSource => ({
    ...source,
    read: (begin, end) => {
      bytes += end - begin;
      return source.read(begin, end);
    },
  });
  const open = async (file: string) => {
    const source = await inside.open(file);
    return source && file.endsWith(".safetensors") ? counting(source) : source;
  };
  return { folder: { ...inside, open }, read: () => bytes };
}

describe("a model that is not in memory", () => {
  const bytes = 4 * parameterCount(model.weights);
  const withHead = 1 + (4 * config.vocabSize * config.channels) / bytes;

  it("is opened by its header, gammas and betas alone", async () => {
    const { folder, read } = await counted(model);
    await readModel(folder);
    expect(read()).toBeLessThan(bytes / 4);
  });

  it.each<[string, (model: HostModel) => HostModel["weights"], number]>([
    ["put on a backend", (read) => read.weights, 1],
    ["untied", (read) => untieHead(read).weights, withHead],
    ["folded", (read) => foldModel(read).weights, withHead],
    ["put into the form of eps 1e12", (read) => toEps1e12(read).weights, 1],
    ["given TransformerLens's names", (read) => toTransformerLens(foldModel(read)), withHead],
  ])("is read once when it is %s, but for an embedding that becomes the head, too", async (_, of, times) => {
    const { folder, read } = await counted(model);
    const loaded = await readModel(folder);
    const before = read();
    await uploadWeights(dry(), of(loaded));
    // Gamma and beta are small, and read whenever a norm is folded.
    expect((read() - before) / bytes).toBeLessThan(times + 0.05);
  });

  it("is written in any dtype without being there as a whole", async () => {
    let alive = 0;
    let most = 0;
    const made = Object.entries(randomModel(config, 3).weights).map(([name, { shape, data }]) => {
      const make = () => {
        alive += 1;
        most = Math.max(most, alive);
        return Promise.resolve(data.slice());
      };
      return [name, { shape, data: make }] as const;
    });
    const lazy = { ...randomModel(config, 3), weights: Object.fromEntries(made) };
    for (const { chunks } of modelFiles({ ...lazy, dtype: "BF16" })) {
      for await (const chunk of chunks) {
        expect(chunk.byteLength).toBeGreaterThan(0);
        alive = 0;
      }
    }
    expect(most).toBe(1);
  });
});
