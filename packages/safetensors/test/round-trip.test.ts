import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  f16ToF32,
  fromBlob,
  fromBytes,
  isDtype,
  readFloat32,
  readFloat32Into,
  readHeader,
  readTensor,
  toBytes,
  writeSafetensors,
  type TensorEntry,
} from "@normless/safetensors";
import { anyEntries, bytesOf, recording } from "./support.js";

describe("what is written is read", () => {
  it("gives every tensor of every dtype back bit for bit, wherever the file's bytes are aligned", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyEntries,
        fc.dictionary(fc.string(), fc.string()),
        fc.nat(7),
        async (entries, metadata, shift) => {
          const file = await toBytes(entries, { metadata });
          const moved = new Uint8Array(file.length + shift);
          moved.set(file, shift);
          const source = fromBytes(moved.subarray(shift));

          const header = await readHeader(source);
          expect(Object.entries(header.metadata)).toEqual(Object.entries(metadata));
          expect(header.dataOffset % 8).toBe(0);
          expect(new Set(header.tensors.keys())).toEqual(new Set(entries.map(({ name }) => name)));
          for (const { name, dtype, shape, data } of entries) {
            expect(header.tensors.get(name)).toMatchObject({ dtype, shape });
            const read = await readTensor(source, header, name);
            expect(read.constructor).toBe(data.constructor);
            expect(bytesOf(read)).toEqual(bytesOf(data));
          }
        },
      ),
    );
  });

  it("streams the very bytes that it collects, from data given late too", async () => {
    await fc.assert(
      fc.asyncProperty(anyEntries, async (entries) => {
        const late = entries.map((entry): TensorEntry => ({
          ...entry,
          data: () => Promise.resolve(entry.data),
        }));
        const streamed: number[] = [];
        for await (const chunk of writeSafetensors(late)) streamed.push(...chunk);
        expect(streamed).toEqual([...(await toBytes(entries))]);
      }),
    );
  });

  it("keeps the tensors in the order given", async () => {
    const names = ["b", "10", "a", "2"];
    const entries = names.map((name): TensorEntry => ({
      name,
      dtype: "U8",
      shape: [1],
      data: new Uint8Array(1),
    }));
    expect([...(await readHeader(fromBytes(await toBytes(entries)))).tensors.keys()]).toEqual(names);
  });

  it("reads from a Blob", async () => {
    const bytes = await toBytes([{ name: "a", dtype: "F32", shape: [2], data: Float32Array.of(1, 2) }]);
    const source = fromBlob(new Blob([bytes]), "upload.safetensors");
    expect(await readFloat32(source, await readHeader(source), "a")).toEqual(Float32Array.of(1, 2));
  });
});

describe("float32", () => {
  const values = Float32Array.of(1, -0, 0.1, 65504, 2 ** -24, Infinity, -2);

  it.each([
    ["F32", values, values],
    ["F64", Float64Array.from(values), values],
    ["F64", Float64Array.of(0.1), Float32Array.of(0.1)],
    ["F16", values, Float32Array.of(1, -0, 0.0999755859375, 65504, 2 ** -24, Infinity, -2)],
    ["BF16", values, Float32Array.of(1, -0, 0.10009765625, 65536, 2 ** -24, Infinity, -2)],
    ["F16", Uint16Array.of(0x3c00, 0x0001), Float32Array.of(1, 2 ** -24)],
  ] as const)("is read from %s", async (dtype, data, expected) => {
    const source = fromBytes(await toBytes([{ name: "a", dtype, shape: [data.length], data }]));
    const read = await readFloat32(source, await readHeader(source), "a");
    expect([...read]).toEqual([...expected]);
  });

  it.each(["F32", "F16", "BF16"] as const)(
    "streams a large %s tensor through small pieces",
    async (dtype) => {
      const count = 2 * 2 ** 20 + 3; // above 4 MiB even at 2 bytes each
      const large = Float32Array.from({ length: count }, (_, i) => i % 256); // small integers: exact in all three
      const chunks: Uint8Array[] = [];
      for await (const chunk of writeSafetensors([{ name: "a", dtype, shape: [count], data: () => large }])) {
        chunks.push(chunk);
      }
      expect(Math.max(...chunks.map((chunk) => chunk.length))).toBe(4 * 2 ** 20);

      const source = recording(fromBytes(Buffer.concat(chunks)));
      const header = await readHeader(source);
      const memory = new Float32Array(new SharedArrayBuffer(4 * count + 8), 4, count);
      expect(await readFloat32Into(memory, source, header, "a")).toBe(memory);
      expect(Buffer.compare(Buffer.from(memory.slice().buffer), Buffer.from(large.buffer))).toBe(0);
      expect(Math.max(...source.lengths)).toBe(4 * 2 ** 20);
    },
  );
});

describe("a file of the reference implementation", () => {
  const path = new URL("./fixtures/reference.safetensors", import.meta.url);

  it("is read: every dtype, a scalar and an empty tensor", async () => {
    const source = fromBytes(await readFile(path), "reference.safetensors");
    const header = await readHeader(source);
    expect(header.metadata).toEqual({ format: "np", note: 'naïve "quotes" \n 猫' });
    const numbers = async (name: string) => [...(await readTensor(source, header, `${name}.värde`))];
    const floats = [-0.5, -0.25, 0, 0.25, 0.5];
    const signed = [-2, -1, 0, 1, 2];
    const unsigned = [0, 1, 2, 3, 4];
    for (const name of ["float64", "float32", "float16", "bfloat16"]) {
      expect([...(await readFloat32(source, header, `${name}.värde`))]).toEqual(floats);
    }
    for (const name of ["int32", "int16", "int8"]) expect(await numbers(name)).toEqual(signed);
    for (const name of ["uint32", "uint16", "uint8"]) expect(await numbers(name)).toEqual(unsigned);
    expect(await numbers("int64")).toEqual(signed.map(BigInt));
    expect(await numbers("uint64")).toEqual(unsigned.map(BigInt));
    expect(await numbers("bool")).toEqual([0, 1, 0, 1, 0]);
    expect([...f16ToF32((await readTensor(source, header, "float16.värde")) as Uint16Array)]).toEqual(floats);
    expect([...(await readFloat32(source, header, "scalar"))]).toEqual([1.5]);
    expect(header.tensors.get("empty")).toMatchObject({ dtype: "F32", shape: [0, 3] });
    expect(await readFloat32(source, header, "empty")).toHaveLength(0);
  });

  it("is written again byte for byte", async () => {
    const bytes = await readFile(path);
    const source = fromBytes(bytes);
    const header = await readHeader(source);
    const entries = [...header.tensors].map(([name, { dtype, shape }]): TensorEntry => {
      if (!isDtype(dtype)) throw new Error(`${name} is ${dtype}`);
      return { name, dtype, shape, data: () => readTensor(source, header, name) };
    });
    expect(Buffer.from(await toBytes(entries, header)).equals(bytes)).toBe(true);
  });
});
