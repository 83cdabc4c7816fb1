import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBytes, openStore, readIndex, toBytes, type ByteSource } from "@normless/safetensors";
import { anyEntries, bytesOf } from "./support.js";

/** A shard with F32 tensors of one element, their place in the list. */
async function shard(file: string, ...names: string[]): Promise<ByteSource> {
  const entries = names.map((name, i) => ({
    name,
    dtype: "F32" as const,
    shape: [1],
    data: Float32Array.of(i),
  }));
  return fromBytes(await toBytes(entries), file);
}

describe("openStore", () => {
  it("shows the tensors of any split into shards as those of one file", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyEntries,
        fc.array(fc.nat(2), { minLength: 6, maxLength: 6 }),
        async (entries, split) => {
          const shards = [0, 1, 2].map((part) => entries.filter((_, i) => split[i] === part));
          const sources = shards.map(async (part, i) =>
            fromBytes(await toBytes(part), `folder/model-${i}.safetensors`),
          );
          const weight_map = entries.map(({ name }, i) => [name, `model-${split[i]}.safetensors`] as const);
          const text = JSON.stringify({
            metadata: { total_size: 1.5 },
            weight_map: Object.fromEntries(weight_map),
          });

          const store = await openStore(await Promise.all(sources), { index: readIndex(text) });
          expect(new Set(store.names())).toEqual(new Set(entries.map(({ name }) => name)));
          for (const { name, dtype, shape, data } of entries) {
            expect(store.has(name)).toBe(true);
            expect(store.info(name)).toMatchObject({ dtype, shape });
            expect(bytesOf(await store.readTensor(name))).toEqual(bytesOf(data));
          }
        },
      ),
    );
  });

  it("reads float32, into the caller's array too", async () => {
    const store = await openStore([await shard("1", "a"), await shard("2", "b", "c")]);
    const target = new Float32Array(1);
    expect(await store.readFloat32("c")).toEqual(Float32Array.of(1));
    expect(await store.readFloat32Into(target, "c")).toBe(target);
    expect([...target]).toEqual([1]);
    expect(store.names()).toEqual(["a", "b", "c"]);
    expect(store.names().map((name) => store.file(name))).toEqual(["1", "2", "2"]);
  });

  it("names the files and what they have when a tensor is in none", async () => {
    const store = await openStore([await shard("1.st", "a"), await shard("2.st", "b")]);
    const message = '1.st, 2.st: there is no tensor "c"; there are 2: "a", "b"';
    expect(store.has("c")).toBe(false);
    expect(() => store.info("c")).toThrow(message);
    expect(() => store.file("c")).toThrow(message);
    await expect(store.readTensor("c")).rejects.toThrow(message);
    await expect(store.readFloat32("c")).rejects.toThrow(message);
    await expect(store.readFloat32Into(new Float32Array(1), "c")).rejects.toThrow(message);
    expect(() => store.info("toString")).toThrow('there is no tensor "toString"');
  });

  it.each<[string, () => Promise<ByteSource[]>, Record<string, string> | undefined, string]>([
    [
      "a tensor in two files",
      async () => [await shard("1.st", "a"), await shard("2.st", "a")],
      undefined,
      'tensor "a" is in both 1.st and 2.st; give files of one model, each once',
    ],
    [
      "a listed file that is not given",
      async () => [await shard("1.st", "a")],
      { a: "1.st", b: "2.st" },
      'the index lists tensor "b" in 2.st, which is not among the files given (1.st); give it too',
    ],
    [
      "a listed tensor that is nowhere",
      async () => [await shard("1.st", "a")],
      { a: "1.st", b: "1.st" },
      'the index lists tensor "b" in 1.st, which does not have it: the index and the files are not of one model, get them again',
    ],
    [
      "a listed tensor that is elsewhere",
      async () => [await shard("1.st", "a"), await shard("2.st", "b")],
      { a: "1.st", b: "1.st" },
      'the index lists tensor "b" in 1.st, which does not have it; 2.st does: the index and the files are not of one model, get them again',
    ],
    [
      "a tensor that is not listed",
      async () => [await shard("1.st", "a", "b")],
      { a: "1.st" },
      '1.st has tensor "b", which the index does not list: the index and the files are not of one model, get them again',
    ],
  ])("refuses %s", async (_, sources, weight_map, message) => {
    const index = weight_map && readIndex(JSON.stringify({ weight_map }));
    await expect(openStore(await sources(), { index })).rejects.toThrow(message);
  });
});

describe("readIndex", () => {
  it.each([
    ["a text that is not JSON", "<html>", "i.json is not JSON ("],
    ["no weight_map", '{"metadata":{}}', 'i.json has no object "weight_map" from tensor to file'],
    ["a list", "[]", 'i.json has no object "weight_map" from tensor to file'],
    ["a tensor twice", '{"weight_map":{"a":"1","a":"2"}}', 'i.json › "weight_map" has the key "a" twice'],
    [
      "a number for a file",
      '{"weight_map":{"a":1}}',
      'i.json: tensor "a" is in 1; expected the plain name of a file',
    ],
    [
      "a path out of the folder",
      '{"weight_map":{"a":"../x"}}',
      'tensor "a" is in "../x"; expected the plain name',
    ],
    [
      "a path of Windows",
      '{"weight_map":{"a":"b\\\\x"}}',
      'tensor "a" is in "b\\\\x"; expected the plain name',
    ],
    ["the parent folder", '{"weight_map":{"a":".."}}', 'tensor "a" is in ".."; expected the plain name'],
    ["an empty name", '{"weight_map":{"a":""}}', 'tensor "a" is in ""; expected the plain name'],
  ])("refuses %s", (_, text, message) => {
    expect(() => readIndex(text, "i.json")).toThrow(message);
  });
});
