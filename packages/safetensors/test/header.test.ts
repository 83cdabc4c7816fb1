import { readFile } from "node:fs/promises";
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
    ["space around the JSON", rawFile(" \n\r\t{} \n\r\t"), {}],
    ["metadata that is null", rawFile('{"__metadata__":null}'), {}],
    [
      "a field that the format does not name",
      rawFile(oneTensor().replace("}}", ',"note":"{[,"}}'), 8),
      { a: [2] },
    ],
    [
      "numbers of any form in a field that the format does not name",
      rawFile(oneTensor().replace("}}", ',"note":[-1.5e3,{"x":-0}]}}'), 8),
      { a: [2] },
    ],
    [
      "an empty tensor whose other dimensions are many",
      rawFile(oneTensor({ shape: [2 ** 52, 4, 0], data_offsets: [0, 0] })),
      { a: [2 ** 52, 4, 0] },
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

describe("a dtype that is not read", () => {
  /** Bits of an element of each that the reference implementation has beside ours. */
  const others = {
    F4: 4,
    F6_E2M3: 6,
    F6_E3M2: 6,
    F8_E5M2: 8,
    F8_E4M3: 8,
    F8_E8M0: 8,
    F8_E4M3FNUZ: 8,
    F8_E5M2FNUZ: 8,
    C64: 64,
  };
  /** A tensor "b" of some dtype in so many bytes, and "a" = [1.5] behind it. */
  const beside = (dtype: string, shape: readonly number[], bytes: number) => {
    const info = { dtype, shape, data_offsets: [0, bytes] };
    const a = { dtype: "F32", shape: [1], data_offsets: [bytes, bytes + 4] };
    const file = rawFile(JSON.stringify({ a, b: info }), bytes + 4);
    file.set(new Uint8Array(Float32Array.of(1.5).buffer), file.length - 4);
    return fromBytes(file, "m.safetensors");
  };

  it.each([...Object.entries(others), ["F12_NEW", 12]] as const)(
    "%s is listed, and what is beside it read",
    async (dtype, bits) => {
      const source = beside(dtype, [2, 4], bits);
      const header = await readHeader(source);
      expect(header.tensors.get("b")).toEqual({ dtype, shape: [2, 4], begin: 0, end: bits });
      expect([...(await readFloat32(source, header, "a"))]).toEqual([1.5]);
      const message = new RegExp(
        `^m\\.safetensors: tensor "b" is "${dtype}", .* here; the file's other tensors can be read\\. ` +
          `To read this one, convert it to one of F64, F32, .*BOOL, in PyTorch with tensor\\.to\\(torch\\.float32\\)$`,
      );
      await expect(readTensor(source, header, "b")).rejects.toThrow(message);
      await expect(readFloat32(source, header, "b")).rejects.toThrow(message);
      await expect(readFloat32Into(new Float32Array(8), source, header, "b")).rejects.toThrow(message);
      await expect(readTensor(source, header, "b")).rejects.toThrow(SafetensorsError);
    },
  );

  it.each(Object.entries(others))("%s of another length is refused", async (dtype, bits) => {
    for (const bytes of [0, bits - 1, bits + 1]) {
      await expect(readHeader(beside(dtype, [2, 4], bytes))).rejects.toThrow(
        `tensor "b" has ${bytes} bytes in data_offsets [0, ${bytes}], but ${dtype} of shape [2, 4] at ${bits} bits each takes ${bits}`,
      );
    }
  });

  it.each([
    ["toString", "a dtype that is not known here"],
    ["f32", "a dtype that is not known here"],
    ["F8_E4M3", "which is not read here"],
  ])("%s is told apart from one that is not known", async (dtype, what) => {
    const source = beside(dtype, [4], 4);
    await expect(readTensor(source, await readHeader(source), "b")).rejects.toThrow(`"${dtype}", ${what}`);
  });
});

describe("files that were refused once", () => {
  it.each(["leading-whitespace", "f8-beside-f32"])("%s.safetensors: a is [1.5]", async (name) => {
    const bytes = await readFile(new URL(`./fixtures/${name}.safetensors`, import.meta.url));
    const source = fromBytes(bytes, `${name}.safetensors`);
    expect([...(await readFloat32(source, await readHeader(source), "a"))]).toEqual([1.5]);
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
