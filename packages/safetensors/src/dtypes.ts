// The element types of the safetensors format that this package reads and writes, and the array each is held in.
// Source: https://huggingface.co/docs/safetensors (the format), `Dtype` in the reference implementation.
// Not here: the 8-bit and smaller floats and complex numbers, which have no array type in JavaScript.

/** What a tensor's elements are held in. F16 and BF16 are their bit patterns; BOOL is one byte, 0 or 1. */
export type TensorData =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | BigUint64Array
  | Uint32Array
  | Uint16Array
  | Uint8Array;

interface ArrayType {
  new (buffer: ArrayBuffer): TensorData;
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
}

export type Dtype =
  "F64" | "F32" | "F16" | "BF16" | "I64" | "I32" | "I16" | "I8" | "U64" | "U32" | "U16" | "U8" | "BOOL";

export const ARRAY_TYPES: Readonly<Record<Dtype, ArrayType>> = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};

export const KNOWN_DTYPES = Object.keys(ARRAY_TYPES).join(", ");

export function isDtype(value: unknown): value is Dtype {
  return typeof value === "string" && Object.hasOwn(ARRAY_TYPES, value);
}

export function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((dim) => Number.isSafeInteger(dim) && dim >= 0);
}

/** Bytes of a tensor: product(shape) * element size, or undefined when a partial product passes 2^53 - 1. */
export function byteLength(dtype: Dtype, shape: readonly number[]): number | undefined {
  let bytes = ARRAY_TYPES[dtype].BYTES_PER_ELEMENT;
  for (const dim of shape) {
    bytes *= dim;
    if (!Number.isSafeInteger(bytes)) return undefined;
  }
  return bytes;
}
