// The element types of the safetensors format that this package reads and writes, and the array each is held in.
// Source: https://huggingface.co/docs/safetensors (the format), `Dtype` in the reference implementation.
// The 8-bit and smaller floats and complex numbers have no array type in JavaScript: files may hold them, and what
// else they hold is read.

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

/** The dtypes that are read and written, by the format's names. */
export type Dtype =
  "F64" | "F32" | "F16" | "BF16" | "I64" | "I32" | "I16" | "I8" | "U64" | "U32" | "U16" | "U8" | "BOOL";

/** The array that holds a dtype's values; F16 and BF16 are kept as their bits. */
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

/** Bits of an element of the format's other dtypes, by which their bytes are checked. */
const OTHER_BITS: Readonly<Record<string, number>> = {
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

/** Their names, for errors. */
export const KNOWN_DTYPES = Object.keys(ARRAY_TYPES).join(", ");

/** Whether the format's name `value` is one of ours. */
export function isDtype(value: unknown): value is Dtype {
  return typeof value === "string" && Object.hasOwn(ARRAY_TYPES, value);
}

/** Whether `value` is a list of whole numbers from 0 up. */
export function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((dim) => Number.isSafeInteger(dim) && dim >= 0);
}

/** Bits of an element; undefined for a dtype that is not one of the format as it is known here. */
export function bitsOf(dtype: Dtype): number;
export function bitsOf(dtype: string): number | undefined;
export function bitsOf(dtype: string): number | undefined {
  if (isDtype(dtype)) return 8 * ARRAY_TYPES[dtype].BYTES_PER_ELEMENT;
  return Object.hasOwn(OTHER_BITS, dtype) ? OTHER_BITS[dtype] : undefined;
}

const LIMIT = 2n ** 64n;

/**
 * Bytes of a tensor, product(shape) * bits / 8, which may be no whole number; undefined when it passes 2^53 - 1, or
 * a partial product 2^64, as the reference implementation computes it.
 */
export function byteLength(bits: number, shape: readonly number[]): number | undefined {
  let product = 1n;
  for (const factor of [...shape, bits]) {
    product *= BigInt(factor);
    if (product >= LIMIT) return undefined;
  }
  const bytes = Number(product) / 8;
  return bytes <= Number.MAX_SAFE_INTEGER ? bytes : undefined;
}
