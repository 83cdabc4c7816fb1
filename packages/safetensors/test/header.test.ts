import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  fromBytes,
  readFloat32,
  readFloat32Into,
  readHeader,
  readTensor,
  SafetensorsError,
  toBytes,
} from "@normless/safetensors";
import { malformed } from "./malformed.js";
import { anyEntries, oneTensor, rawFile, twoTensors } from "./support.js";

describe("a malformed file", () => {
  it.each(malformed)("%s", async (_, file, message) => {
    const error: unknown = await readHeader(fromBytes(file, "m.safetensors")).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(SafetensorsError);
    expect((error as SafetensorsError).message).toBe(`m.safetensors: ${message}`);
  });

  // The reason in brackets is in the JavaScript engine's words.
  it.each([
    ["a cut header", rawFile('{"a":')],
    ["padding with zero bytes", rawFile("{}\0")],
  ])("%s", async (_, file) => {
    await expect(readHeader(fromBytes(file, "m.safetensors"))).rejects.toThrow(
      /^m\.safetensors: the header is not JSON \(.*\); write the file again$/,
    );
  });

  it("is refused with a SafetensorsError whichever byte of a good one is changed, or read", async () => {
    await fc.assert(
      fc.asyncProperty(anyEntries, fc.nat(), fc.nat(255), async (entries, where, value) => {
        const file = await toBytes(entries);
        file[where % file.length] = value;
        const outcome = await readHeader(fromBytes(file)).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(SafetensorsError);
        else expect(outcome).toHaveProperty("dataOffset");
      }),
      { numRuns: 300 },
    );
  });

  it("is refused wherever a good one is cut", async () => {
    await fc.assert(
      fc.asyncProperty(anyEntries, fc.nat(), async (entries, where) => {
        const file = await toBytes(entries);
        const cut = file.subarray(0, where % file.length);
        await expect(readHeader(fromBytes(cut))).rejects.toThrow(SafetensorsError);
      }),
    );
  });
});

describe("what the reference implementation takes is taken", () => {
  it.each([
    ["no tensors", rawFile("{}"), {}],
    ["space after the JSON", rawFile("{} \n\t"), {}],
    [
      "a field that the format does not name",
      rawFile(oneTensor().replace("}}", ',"note":"{[,"}}'), 8),
      { a: [2] },
    ],
    ["tensors in another order than their bytes", rawFile(twoTensors([4, 8], [0, 4]), 8), { b: [4], a: [4] }],
    [
      "a tensor called __proto__",
      rawFile(oneTensor().replace('"a"', '"__proto__"'), 8),
      { ["__proto__"]: [2] },
    ],
    ["an empty tensor between two", rawFile(twoTensors([0, 4], [4, 4]), 4), { a: [4], b: [0] }],
    ["a scalar", rawFile(oneTensor({ shape: [], data_offsets: [0, 4] }), 4), { a: [] }],
  ])("%s", async (_, file, shapes) => {
    const { tensors } = await readHeader(fromBytes(file));
    expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual(Object.entries(shapes));
  });
});

describe("reading a tensor", () => {
  const names = ["wte", "wpe", "ln_f"];
  const source = async () =>
    fromBytes(
      await toBytes(names.map((name) => ({ name, dtype: "I32", shape: [2], data: Int32Array.of(1, 2) }))),
      "m.safetensors",
    );

  it("names what there is when the tensor is not there", async () => {
    const file = await source();
    await expect(readTensor(file, await readHeader(file), "lm_head")).rejects.toThrow(
      'm.safetensors: there is no tensor "lm_head"; there are 3: "wte", "wpe", "ln_f"',
    );
  });

  it("refuses integers as float32", async () => {
    const file = await source();
    await expect(readFloat32(file, await readHeader(file), "wte")).rejects.toThrow(
      'm.safetensors: tensor "wte" is I32, not a float; read it with readTensor',
    );
  });

  it("refuses a target of another length", async () => {
    const file = await source();
    await expect(readFloat32Into(new Float32Array(3), file, await readHeader(file), "wte")).rejects.toThrow(
      'm.safetensors: tensor "wte" of shape [2] has 2 elements, but the target has 3; give one of the tensor\'s length',
    );
  });

  it("notices that the file became shorter", async () => {
    const file = await source();
    const header = await readHeader(file);
    const shorter = { ...file, read: (begin: number, end: number) => file.read(begin, end - 1) };
    await expect(readTensor(shorter, header, "wte")).rejects.toThrow(
      /^m\.safetensors: read 7 bytes of .* 8 were expected/,
    );
  });
});
