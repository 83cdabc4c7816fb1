import { describe, expect, it } from "vitest";
import {
  SafetensorsError,
  toBytes,
  writeSafetensors,
  type Dtype,
  type TensorEntry,
} from "@normless/safetensors";

const entry = (fields: Partial<TensorEntry> = {}): TensorEntry => ({
  name: "a",
  dtype: "F32",
  shape: [2],
  data: new Float32Array(2),
  ...fields,
});

describe("what cannot make a file is refused before a byte is given", () => {
  it.each<[string, TensorEntry[], string]>([
    [
      "two of one name",
      [entry(), entry()],
      'tensor "a" is given twice; give every tensor one name of its own',
    ],
    [
      "the reserved name",
      [entry({ name: "__metadata__" })],
      'tensor "__metadata__": the format keeps this name; choose another',
    ],
    ["half a surrogate pair", [entry({ name: "\ud800" })], "the name is not valid Unicode; rename it"],
    [
      "a dtype from elsewhere",
      [entry({ dtype: "float32" as Dtype })],
      "has dtype float32; use one of F64, F32, F16",
    ],
    [
      "a negative dimension",
      [entry({ shape: [-2] })],
      "has shape [-2]; a shape is a list of integers from 0 up",
    ],
    ["a huge shape", [entry({ shape: [2 ** 52, 4] })], "below 2^53 bytes in all"],
    [
      "an array of another dtype",
      [entry({ data: new Float64Array(2) })],
      'tensor "a" is to be F32, but its data is a Float64Array; give a Float32Array',
    ],
    [
      "float64 for half precision",
      [entry({ dtype: "F16", data: new Float64Array(2) })],
      "but its data is a Float64Array; give a Uint16Array of bit patterns or a Float32Array",
    ],
    [
      "too few elements",
      [entry({ shape: [2, 3], data: new Float32Array(5) })],
      'tensor "a" of shape [2, 3] takes 6 elements, but its data has 5',
    ],
  ])("%s", async (_, entries, message) => {
    expect(() => writeSafetensors(entries)).toThrow(SafetensorsError);
    expect(() => writeSafetensors(entries)).toThrow(message);
    await expect(toBytes(entries)).rejects.toThrow(message);
  });

  it("metadata that is not text", async () => {
    const metadata = { step: 3 } as Record<string, unknown> as Record<string, string>;
    await expect(toBytes([], { metadata })).rejects.toThrow(
      'metadata "step" is not a string of valid Unicode',
    );
  });

  it("a header above the limit", async () => {
    await expect(toBytes([], { metadata: { a: "b".repeat(100_000_000) } })).rejects.toThrow(
      "the header would take 100000032 bytes, above the format's limit of 100000000; write fewer tensors to one file",
    );
  });
});

it("refuses late data that does not fit", async () => {
  const late = entry({ data: () => Promise.resolve(new Float32Array(3)) });
  await expect(toBytes([late])).rejects.toThrow(
    'tensor "a" of shape [2] takes 2 elements, but its data has 3',
  );
});

it("asks for late data one tensor at a time", async () => {
  const asked: string[] = [];
  const late = ["a", "b"].map((name) =>
    entry({
      name,
      data: () => {
        asked.push(name);
        return new Float32Array(2);
      },
    }),
  );
  const chunks = writeSafetensors(late);
  await chunks.next(); // the header
  expect(asked).toEqual([]);
  await chunks.next();
  expect(asked).toEqual(["a"]);
});

it("takes a Buffer for U8", async () => {
  const bytes = await toBytes([entry({ dtype: "U8", shape: [3], data: Buffer.from("abc") })]);
  expect([...bytes.slice(-3)]).toEqual([97, 98, 99]);
});

it("gives chunks that no later change of the data can reach", async () => {
  const data = Float32Array.of(1, 2);
  const chunks = writeSafetensors([entry({ data })]);
  await chunks.next();
  const { value } = await chunks.next();
  data.fill(0);
  expect([...new Float32Array((value as Uint8Array<ArrayBuffer>).buffer)]).toEqual([1, 2]);
});

it("takes data in shared memory, and gives chunks that are not", async () => {
  const data = new Float32Array(new SharedArrayBuffer(16), 8, 2).fill(1.5);
  for await (const chunk of writeSafetensors([entry({ data })]))
    expect(chunk.buffer).toBeInstanceOf(ArrayBuffer);
  const bytes = await toBytes([entry({ data })]);
  expect([...new Float32Array(bytes.slice(-8).buffer)]).toEqual([1.5, 1.5]);
});
