// What several test files make: safetensors files by hand, straight from the format's description.
import fc from "fast-check";
import type { ByteSource, Dtype, TensorData, TensorEntry } from "@normless/safetensors";

/** Length, header, and `dataBytes` zeros. The length is the header's own unless given. */
export function rawFile(header: string | Uint8Array, dataBytes = 0, length?: bigint): Uint8Array {
  const json = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

/** The header's text for one tensor "a". */
export function oneTensor(fields: { dtype?: unknown; shape?: unknown; data_offsets?: unknown } = {}): string {
  return JSON.stringify({ a: { dtype: "F32", shape: [2], data_offsets: [0, 8], ...fields } });
}

/** The header's text for two U8 tensors, "a" and "b", at these data bytes. */
export function twoTensors(a: [begin: number, end: number], b: [begin: number, end: number]): string {
  return JSON.stringify({
    a: { dtype: "U8", shape: [a[1] - a[0]], data_offsets: a },
    b: { dtype: "U8", shape: [b[1] - b[0]], data_offsets: b },
  });
}

/** Notes the length of every read, to see that big files are read in pieces. */
export function recording(source: ByteSource): ByteSource & { readonly lengths: number[] } {
  const lengths: number[] = [];
  return {
    size: source.size,
    name: source.name,
    lengths,
    read: (begin, end) => {
      lengths.push(end - begin);
      return source.read(begin, end);
    },
  };
}

/** The bytes behind an array, by which two arrays are the same even where they hold NaN. */
export function bytesOf(data: TensorData): number[] {
  return [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
}

const arrays: Record<Dtype, (buffer: ArrayBuffer) => TensorData> = {
  F64: (buffer) => new Float64Array(buffer),
  F32: (buffer) => new Float32Array(buffer),
  F16: (buffer) => new Uint16Array(buffer),
  BF16: (buffer) => new Uint16Array(buffer),
  I64: (buffer) => new BigInt64Array(buffer),
  I32: (buffer) => new Int32Array(buffer),
  I16: (buffer) => new Int16Array(buffer),
  I8: (buffer) => new Int8Array(buffer),
  U64: (buffer) => new BigUint64Array(buffer),
  U32: (buffer) => new Uint32Array(buffer),
  U16: (buffer) => new Uint16Array(buffer),
  U8: (buffer) => new Uint8Array(buffer),
  BOOL: (buffer) => new Uint8Array(buffer),
};

export const dtypes = Object.keys(arrays) as Dtype[];

/** A valid entry of any dtype, with any bytes in its array; scalars and empty tensors among them. */
export const anyEntry: fc.Arbitrary<TensorEntry & { readonly data: TensorData }> = fc
  .record({
    name: fc.oneof(
      fc.constantFrom("__proto__", "constructor", "0", "", 'a"b\\', "猫\n"),
      fc.string({ unit: "binary" }),
    ),
    dtype: fc.constantFrom(...dtypes),
    shape: fc.array(fc.nat(3), { maxLength: 3 }),
    seed: fc.uint8Array({ minLength: 1, maxLength: 16 }),
  })
  .filter(({ name }) => name !== "__metadata__")
  .map(({ name, dtype, shape, seed }) => {
    const count = shape.reduce((product, dim) => product * dim, 1);
    const elementBytes = arrays[dtype](new ArrayBuffer(0)).BYTES_PER_ELEMENT;
    const bytes = Uint8Array.from(
      { length: count * elementBytes },
      (_, i) => seed[i % seed.length] ^ (i * 37),
    );
    return { name, dtype, shape, data: arrays[dtype](bytes.buffer) };
  });

/** Entries with names of their own. */
export const anyEntries = fc.uniqueArray(anyEntry, { selector: ({ name }) => name, maxLength: 6 });
