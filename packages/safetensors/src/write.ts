// Writes safetensors as a stream of chunks: the header first, then the tensors in the order given.
// A tensor's data may be a function, called when its turn comes, so that a big model is never in memory twice.
// Source: https://huggingface.co/docs/safetensors#format. The header is padded with spaces to a multiple of 8 bytes.
// Not here: the file on disk (node.ts).
import { f32ToBf16, f32ToF16 } from "./convert.js";
import {
  ARRAY_TYPES,
  bitsOf,
  byteLength,
  isDtype,
  isShape,
  KNOWN_DTYPES,
  type Dtype,
  type TensorData,
} from "./dtypes.js";
import { SafetensorsError } from "./errors.js";
import { LENGTH_BYTES, MAX_HEADER_BYTES, METADATA_KEY } from "./header.js";
import { hasLoneSurrogate } from "./json.js";
import { CHUNK_BYTES } from "./source.js";

/** One tensor to write. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /**
   * product(shape) elements in the dtype's array (see `readTensor`), or a function that gives them when needed.
   * For F16 and BF16 a Float32Array too, which is rounded to nearest, ties to even.
   */
  readonly data: TensorData | (() => TensorData | Promise<TensorData>);
}

/** What goes into a file beside its tensors. */
export interface WriteOptions {
  /** Free text for the file's `__metadata__`; PyTorch's readers look for `{ format: "pt" }`. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * A safetensors file as chunks of at most 4 MiB, after the header; every chunk is fresh memory that the taker owns.
 * Throws a SafetensorsError at once for entries that cannot make a file, and later for lazy data that does not fit.
 */
export function writeSafetensors(
  entries: Iterable<TensorEntry>,
  options: WriteOptions = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const list = [...entries];
  return stream(layOut(list, options).header, list);
}

/** `writeSafetensors`, collected. */
export async function toBytes(
  entries: Iterable<TensorEntry>,
  options: WriteOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const list = [...entries];
  const { header, size } = layOut(list, options);
  const bytes = new Uint8Array(size);
  let at = 0;
  for await (const chunk of stream(header, list)) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

async function* stream(
  header: Uint8Array<ArrayBuffer>,
  entries: readonly TensorEntry[],
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  yield header;
  for (const entry of entries) {
    const data = typeof entry.data === "function" ? await entry.data() : entry.data;
    checkData(entry, data);
    const step = CHUNK_BYTES / ARRAY_TYPES[entry.dtype].BYTES_PER_ELEMENT;
    for (let at = 0; at < data.length; at += step) yield encode(entry.dtype, data.subarray(at, at + step));
  }
}

/** The bytes of some elements, in fresh memory. */
function encode(dtype: Dtype, data: TensorData): Uint8Array<ArrayBuffer> {
  if (data instanceof Float32Array && (dtype === "F16" || dtype === "BF16")) {
    const bits = new Uint16Array(data.length);
    if (dtype === "F16") f32ToF16(data, bits);
    else f32ToBf16(data, bits);
    return new Uint8Array(bits.buffer);
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}

/** The length and the JSON, padded, and the whole file's size. */
function layOut(
  entries: readonly TensorEntry[],
  { metadata }: WriteOptions,
): { header: Uint8Array<ArrayBuffer>; size: number } {
  // Built as text: an object would put names that look like integers first, and lose one called __proto__.
  const fields: string[] = [];
  if (metadata) fields.push(`${JSON.stringify(METADATA_KEY)}:${JSON.stringify(checkMetadata(metadata))}`);
  const names = new Set<string>();
  let end = 0;
  for (const entry of entries) {
    const begin = end;
    end += checkEntry(entry, names);
    names.add(entry.name);
    const info = { dtype: entry.dtype, shape: entry.shape, data_offsets: [begin, end] };
    fields.push(`${JSON.stringify(entry.name)}:${JSON.stringify(info)}`);
  }
  const json = new TextEncoder().encode(`{${fields.join(",")}}`);
  const padded = Math.ceil(json.byteLength / 8) * 8;
  if (padded > MAX_HEADER_BYTES) {
    throw new SafetensorsError(
      `the header would take ${padded} bytes, above the format's limit of ${MAX_HEADER_BYTES}; ` +
        `write fewer tensors to one file`,
    );
  }
  const header = new Uint8Array(LENGTH_BYTES + padded).fill(" ".charCodeAt(0));
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, LENGTH_BYTES);
  return { header, size: header.byteLength + end };
}

/** Checks all that can be known before the data is; returns the tensor's bytes. */
function checkEntry(entry: TensorEntry, names: ReadonlySet<string>): number {
  const { name, dtype, shape, data } = entry;
  const where = `tensor "${name}"`;
  if (name === METADATA_KEY)
    throw new SafetensorsError(`${where}: the format keeps this name; choose another`);
  if (hasLoneSurrogate(name))
    throw new SafetensorsError(`${where}: the name is not valid Unicode; rename it`);
  if (names.has(name))
    throw new SafetensorsError(`${where} is given twice; give every tensor one name of its own`);
  if (!isDtype(dtype))
    throw new SafetensorsError(`${where} has dtype ${String(dtype)}; use one of ${KNOWN_DTYPES}`);
  const bytes = isShape(shape) ? byteLength(bitsOf(dtype), shape) : undefined;
  if (bytes === undefined) {
    throw new SafetensorsError(
      `${where} has shape ${JSON.stringify(shape)}; a shape is a list of integers from 0 up, below 2^53 bytes in all`,
    );
  }
  if (typeof data !== "function") checkData(entry, data);
  return bytes;
}

function checkData({ name, dtype, shape }: TensorEntry, data: TensorData): void {
  const arrayType = ARRAY_TYPES[dtype];
  const rounds = (dtype === "F16" || dtype === "BF16") && data instanceof Float32Array;
  const given = data[Symbol.toStringTag]; // not the class, so that a Buffer is the Uint8Array that it is
  if (!rounds && given !== arrayType.name) {
    const others = dtype === "F16" || dtype === "BF16" ? " of bit patterns or a Float32Array" : "";
    throw new SafetensorsError(
      `tensor "${name}" is to be ${dtype}, but its data is a ${given}; give a ${arrayType.name}${others}`,
    );
  }
  const expected = byteLength(bitsOf(dtype), shape)! / arrayType.BYTES_PER_ELEMENT;
  if (data.length !== expected) {
    throw new SafetensorsError(
      `tensor "${name}" of shape [${shape.join(", ")}] takes ${expected} elements, but its data has ${data.length}`,
    );
  }
}

function checkMetadata(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string" || hasLoneSurrogate(key + value)) {
      throw new SafetensorsError(`metadata "${key}" is not a string of valid Unicode; write it as one`);
    }
  }
  return metadata;
}
