// The head of a safetensors file: 8 bytes of little-endian length, then JSON that lists every tensor.
// Checked as strictly as the reference implementation does, and duplicate keys besides. A dtype that this package does
// not read, or does not know, is listed like any other, so that the tensors beside it can be read.
// Source: https://huggingface.co/docs/safetensors#format and `Metadata::validate` in its safetensors/src/tensor.rs.
// Not here: the tensors' bytes (read.ts).
import { bitsOf, byteLength, isShape } from "./dtypes.js";
import { SafetensorsError } from "./errors.js";
import { describe, isObject, parseJson } from "./json.js";
import { readExactly, type ByteSource } from "./source.js";

/** One tensor of a file. */
export interface TensorInfo {
  /** One of `Dtype`, or of those that this package does not read. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** First byte, counted from the header's `dataOffset`. */
  readonly begin: number;
  /** The byte after the last, counted from the header's `dataOffset`. */
  readonly end: number;
}

/** What a file says of itself. */
export interface Header {
  /** Free text of the writer; empty when the file has none. */
  readonly metadata: Readonly<Record<string, string>>;
  /** By name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Where the tensors' bytes begin in the file. */
  readonly dataOffset: number;
}

/** The reference implementation's limit on the JSON, in bytes. */
export const MAX_HEADER_BYTES = 100_000_000;
/** Bytes of the header's length, with which a file begins. */
export const LENGTH_BYTES = 8;
/** The header's entry that is no tensor. */
export const METADATA_KEY = "__metadata__";

/** Space, tab, line feed and carriage return. */
const WHITE_SPACE = [0x20, 0x09, 0x0a, 0x0d];
const DAMAGED = "the file is damaged or was written wrongly, get or write it again";

/**
 * Reads and checks a file's header; the tensors' bytes are not read.
 * @throws SafetensorsError for a file that is cut, lies about its lengths, has holes or overlaps between tensors,
 * bytes that no tensor covers, or a key twice.
 */
export async function readHeader(source: ByteSource): Promise<Header> {
  const json = await readJson(source);
  const dataOffset = LENGTH_BYTES + json.byteLength;
  const value = parseJson(decode(source, json), {
    where: `${source.name}: the header`,
    plainIntegers: ["shape", "data_offsets"],
  });
  if (!isObject(value)) throw new SafetensorsError(`${source.name}: the header is not a JSON object`);

  const tensors: [string, TensorInfo][] = [];
  let metadata: Record<string, string> = {};
  for (const [key, entry] of Object.entries(value)) {
    if (key === METADATA_KEY) metadata = readMetadata(source, entry);
    else tensors.push([key, readInfo(`${source.name}: tensor "${key}"`, entry)]);
  }
  // The header may list tensors in any order; an empty one shares its begin with the next.
  tensors.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  checkCover(source, tensors, source.size - dataOffset);
  return { metadata, tensors: new Map(tensors), dataOffset };
}

/** The bytes of the JSON text. */
async function readJson(source: ByteSource): Promise<Uint8Array> {
  const { name, size } = source;
  if (size < LENGTH_BYTES) {
    throw new SafetensorsError(
      `${name}: ${size} bytes are too few for a safetensors file, which begins with an ${LENGTH_BYTES}-byte length; ` +
        `get the file again`,
    );
  }
  const head = await readExactly(source, 0, LENGTH_BYTES);
  const length = new DataView(head.buffer, head.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new SafetensorsError(
      `${name}: the header's length reads ${length} bytes, above the format's limit of ${MAX_HEADER_BYTES}; ` +
        whatElse(head),
    );
  }
  const end = LENGTH_BYTES + Number(length);
  if (end > size) {
    throw new SafetensorsError(
      `${name}: the header should end at byte ${end}, but the file has ${size} bytes; ` +
        `it is cut short or not a safetensors file: get it again`,
    );
  }
  const json = await readExactly(source, LENGTH_BYTES, end);
  // The format has the brace first; the reference implementation takes JSON's white space before it, and so do others.
  const first = json.find((byte) => !WHITE_SPACE.includes(byte));
  if (first !== "{".charCodeAt(0)) {
    throw new SafetensorsError(`${name}: the header does not begin with "{"; this is not a safetensors file`);
  }
  return json;
}

/** What a file most likely is whose first bytes are no length. */
function whatElse(head: Uint8Array): string {
  const text = String.fromCharCode(...head);
  if (text === "version ")
    return "this looks like a Git LFS pointer: run `git lfs pull` to get the file itself";
  if (text.startsWith("PK\x03\x04"))
    return "this looks like a PyTorch .bin file: convert it to safetensors first";
  return "this is not a safetensors file";
}

function decode(source: ByteSource, json: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(json);
  } catch (cause) {
    throw new SafetensorsError(`${source.name}: the header is not valid UTF-8; get the file again`, {
      cause,
    });
  }
}

function readMetadata(source: ByteSource, value: unknown): Record<string, string> {
  const where = `${source.name}: ${METADATA_KEY}`;
  if (value === null) return {}; // as the reference implementation takes it
  if (!isObject(value))
    throw new SafetensorsError(`${where} is ${describe(value)}, not an object of strings`);
  const entries = Object.entries(value).map(([key, text]): [string, string] => {
    if (typeof text === "string") return [key, text];
    throw new SafetensorsError(`${where} › "${key}" is ${describe(text)}; write it as a string`);
  });
  return Object.fromEntries(entries);
}

/** One tensor's entry. Fields that the format does not name are ignored, as the reference implementation does. */
function readInfo(where: string, entry: unknown): TensorInfo {
  if (!isObject(entry)) throw new SafetensorsError(`${where} is ${describe(entry)}, not an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  for (const [field, value] of Object.entries({ dtype, shape, data_offsets: offsets })) {
    if (value === undefined) throw new SafetensorsError(`${where} has no "${field}"; write the file again`);
  }
  if (typeof dtype !== "string") {
    throw new SafetensorsError(`${where} has dtype ${describe(dtype)}; a dtype is a name such as "F32"`);
  }
  if (!isShape(shape)) {
    throw new SafetensorsError(
      `${where} has shape ${describe(shape)}; a shape is a list of integers in [0, 2^53)`,
    );
  }
  if (!isShape(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw new SafetensorsError(
      `${where} has data_offsets ${describe(offsets)}; they are two integers [begin, end] in [0, 2^53), begin <= end`,
    );
  }
  const [begin, end] = offsets as [number, number];
  const bits = bitsOf(dtype);
  // The length of a dtype that is not known cannot be checked; its place among the others can.
  const expected = bits === undefined ? end - begin : byteLength(bits, shape);
  if (expected !== end - begin) {
    throw new SafetensorsError(
      `${where} has ${end - begin} bytes in data_offsets [${begin}, ${end}], but ${dtype} of shape ` +
        `[${shape.join(", ")}] at ${bits} bits each takes ${expected ?? "more than 2^53"}; ${DAMAGED}`,
    );
  }
  return { dtype, shape, begin, end };
}

/** The tensors, in the order of their bytes, must cover exactly the `available` bytes after the header. */
function checkCover(source: ByteSource, tensors: readonly [string, TensorInfo][], available: number): void {
  let covered = 0;
  let last: string | undefined;
  for (const [name, { begin, end }] of tensors) {
    if (begin !== covered) {
      const before =
        last === undefined ? "the data begins at 0" : `tensor "${last}" before it ends at ${covered}`;
      const fault = begin > covered ? `a hole of ${begin - covered}` : `an overlap of ${covered - begin}`;
      throw new SafetensorsError(
        `${source.name}: tensor "${name}" begins at data byte ${begin}, but ${before}: ${fault}; ${DAMAGED}`,
      );
    }
    covered = end;
    last = name;
  }
  if (covered > available) {
    const cut = tensors.find(([, info]) => info.end > available)!;
    throw new SafetensorsError(
      `${source.name}: the tensors take ${covered} bytes, but only ${available} follow the header; ` +
        `${covered - available} are missing, from tensor "${cut[0]}" on: the file is cut short, get it again`,
    );
  }
  if (covered < available) {
    throw new SafetensorsError(
      `${source.name}: the tensors take ${covered} bytes, but ${available} follow the header; ` +
        `the last ${available - covered} belong to no tensor: ${DAMAGED}`,
    );
  }
}
