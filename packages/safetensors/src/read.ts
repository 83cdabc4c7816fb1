// A tensor's bytes, as they are or as float32. Read in chunks into the array that is returned, so that the peak is
// that array and one chunk, whatever the file's size; any alignment of the bytes in the file will do.
// Not here: the header (header.ts), several files as one (store.ts).
import { bf16ToF32, f16ToF32 } from "./convert.js";
import { ARRAY_TYPES, bitsOf, type Dtype, isDtype, KNOWN_DTYPES, type TensorData } from "./dtypes.js";
import { SafetensorsError } from "./errors.js";
import type { Header, TensorInfo } from "./header.js";
import { describe } from "./json.js";
import { readChunks, type ByteSource } from "./source.js";

/**
 * A tensor in the array of its dtype: F16 and BF16 as bit patterns, I64 and U64 as bigints, BOOL as bytes.
 * Throws for a dtype that is none of `Dtype`.
 */
export async function readTensor(source: ByteSource, header: Header, name: string): Promise<TensorData> {
  const info = findReadable(source, header, name);
  const bytes = new Uint8Array(info.end - info.begin);
  let at = 0;
  for await (const chunk of tensorChunks(source, header, info)) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return new ARRAY_TYPES[info.dtype](bytes.buffer);
}

/**
 * A float tensor as float32: exact from F32, F16 and BF16, rounded from F64.
 * Throws for integers and BOOL, which `readTensor` reads, and for a dtype that is none of `Dtype`.
 */
export async function readFloat32(source: ByteSource, header: Header, name: string): Promise<Float32Array> {
  const info = findReadable(source, header, name);
  return readFloat32Into(new Float32Array(elementsOf(info)), source, header, name);
}

/**
 * `readFloat32` into an array that the caller has, of exactly the tensor's length; returns it.
 * The array's memory must stay in place until the promise settles (a WebAssembly memory must not grow, unless shared).
 * @throws SafetensorsError when there is no such tensor, or the array is of another length
 */
export async function readFloat32Into(
  target: Float32Array,
  source: ByteSource,
  header: Header,
  name: string,
): Promise<Float32Array> {
  const info = findReadable(source, header, name);
  if (target.length !== elementsOf(info)) {
    throw new SafetensorsError(
      `${source.name}: tensor "${name}" of shape [${info.shape.join(", ")}] has ${elementsOf(info)} elements, ` +
        `but the target has ${target.length}; give one of the tensor's length`,
    );
  }
  const write = float32Writer(source, info, name);
  const elementBytes = ARRAY_TYPES[info.dtype].BYTES_PER_ELEMENT;
  let at = 0;
  for await (const chunk of tensorChunks(source, header, info)) {
    const count = chunk.byteLength / elementBytes;
    write(chunk, target.subarray(at, at + count));
    at += count;
  }
  return target;
}

/** The tensor's entry. @throws SafetensorsError with names like it when there is none */
export function findTensor(source: ByteSource, header: Header, name: string): TensorInfo {
  const info = header.tensors.get(name);
  if (info) return info;
  throw new SafetensorsError(
    `${source.name}: there is no tensor "${name}"; ${listNames(header.tensors.keys())}`,
  );
}

type ReadableInfo = TensorInfo & { readonly dtype: Dtype };

/** The same, of a dtype that can be read. Throws naming the dtype and the way out when it cannot. */
function findReadable(source: ByteSource, header: Header, name: string): ReadableInfo {
  const info = findTensor(source, header, name);
  if (isReadable(info)) return info;
  const what = bitsOf(info.dtype) === undefined ? "a dtype that is not known here" : "which is not read here";
  throw new SafetensorsError(
    `${source.name}: tensor "${name}" is ${describe(info.dtype)}, ${what}; the file's other tensors can be read. ` +
      `To read this one, convert it to one of ${KNOWN_DTYPES}, in PyTorch with tensor.to(torch.float32)`,
  );
}

function isReadable(info: TensorInfo): info is ReadableInfo {
  return isDtype(info.dtype);
}

/** The names there are, for an error: all of a few, or the first and how many. */
export function listNames(names: Iterable<string>): string {
  const all = [...names];
  const shown = all.slice(0, 8).map((name) => `"${name}"`);
  if (shown.length === 0) return "the file has no tensors";
  return `there are ${all.length}: ${shown.join(", ")}${all.length > shown.length ? ", ..." : ""}`;
}

function elementsOf(info: ReadableInfo): number {
  return (info.end - info.begin) / ARRAY_TYPES[info.dtype].BYTES_PER_ELEMENT;
}

function tensorChunks(source: ByteSource, header: Header, info: TensorInfo): AsyncIterable<Uint8Array> {
  return readChunks(source, header.dataOffset + info.begin, header.dataOffset + info.end);
}

type Float32Writer = (chunk: Uint8Array, target: Float32Array) => void;

function float32Writer(source: ByteSource, info: ReadableInfo, name: string): Float32Writer {
  switch (info.dtype) {
    case "F32":
      return (chunk, target) =>
        new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(chunk);
    case "F16":
      return (chunk, target) => f16ToF32(new Uint16Array(...aligned(chunk, 2)), target);
    case "BF16":
      return (chunk, target) => bf16ToF32(new Uint16Array(...aligned(chunk, 2)), target);
    case "F64":
      return (chunk, target) => target.set(new Float64Array(...aligned(chunk, 8)));
    case "I64":
    case "I32":
    case "I16":
    case "I8":
    case "U64":
    case "U32":
    case "U16":
    case "U8":
    case "BOOL":
      throw new SafetensorsError(
        `${source.name}: tensor "${name}" is ${info.dtype}, not a float; read it with readTensor`,
      );
  }
}

/** What an array constructor needs to see the bytes: in place where their alignment allows it, else in a copy. */
function aligned(bytes: Uint8Array, elementBytes: number): [ArrayBufferLike, number, number] {
  const seen = bytes.byteOffset % elementBytes === 0 ? bytes : new Uint8Array(bytes);
  return [seen.buffer, seen.byteOffset, seen.byteLength / elementBytes];
}
