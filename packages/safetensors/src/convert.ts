// Half precision and bfloat16 to and from float32, by bit patterns, so that NaN payloads and signed zeros survive.
// Sources: IEEE 754-2019 section 3.6 (binary16: 1 sign, 5 exponent, 10 fraction bits); bfloat16 is the upper half
// of binary32. Narrowing rounds to nearest, ties to even, and overflows to infinity.
import { SafetensorsError } from "./errors.js";

const SIGN = 0x8000;
const F32_INFINITY = 0x7f800000;
const F16_INFINITY = 0x7c00;
const F16_QUIET = 0x0200;
const BF16_QUIET = 0x0040;

/** float32 bits from which everything rounds to infinity in binary16: 65520, midway past the largest, 65504. */
const F16_OVERFLOW = 0x477ff000;
/** float32 bits of 2^-14, the smallest normal of binary16. */
const F16_SMALLEST_NORMAL = 0x38800000;
/** The difference of the exponent biases, 127 - 15, at float32's exponent. */
const REBIAS = 112 << 23;

/** binary16 patterns to float32, exactly. Writes to `target` (same length) and returns it. */
export function f16ToF32(
  bits: Uint16Array,
  target: Float32Array = new Float32Array(bits.length),
): Float32Array {
  const out = patternsOf("f16ToF32", bits, target);
  for (let i = 0; i < bits.length; i++) {
    const half = bits[i];
    const sign = (half & SIGN) << 16;
    const magnitude = half & 0x7fff;
    if (magnitude >= F16_INFINITY) out[i] = sign | F32_INFINITY | ((magnitude & 0x3ff) << 13);
    else if (magnitude >= 0x400) out[i] = sign | ((magnitude << 13) + REBIAS);
    else target[i] = (sign ? -magnitude : magnitude) * 2 ** -24; // zero or subnormal: a count of 2^-24
  }
  return target;
}

/** float32 to binary16 patterns, to nearest, ties to even. Writes to `target` (same length) and returns it. */
export function f32ToF16(
  values: Float32Array,
  target: Uint16Array = new Uint16Array(values.length),
): Uint16Array {
  const patterns = patternsOf("f32ToF16", target, values);
  for (let i = 0; i < patterns.length; i++) {
    const pattern = patterns[i];
    const sign = (pattern >>> 16) & SIGN;
    const magnitude = pattern & 0x7fffffff;
    let half: number;
    if (magnitude > F32_INFINITY) half = F16_INFINITY | ((magnitude >>> 13) & 0x3ff || F16_QUIET);
    else if (magnitude >= F16_OVERFLOW) half = F16_INFINITY;
    else if (magnitude >= F16_SMALLEST_NORMAL) half = (roundBits(magnitude, 13) - REBIAS) >>> 13;
    else half = roundToEven(Math.abs(values[i]) * 2 ** 24); // a count of 2^-24; 1024 is the smallest normal
    target[i] = sign | half;
  }
  return target;
}

/** bfloat16 patterns to float32, exactly. Writes to `target` (same length) and returns it. */
export function bf16ToF32(
  bits: Uint16Array,
  target: Float32Array = new Float32Array(bits.length),
): Float32Array {
  const out = patternsOf("bf16ToF32", bits, target);
  for (let i = 0; i < bits.length; i++) out[i] = bits[i] << 16;
  return target;
}

/** float32 to bfloat16 patterns, to nearest, ties to even. Writes to `target` (same length) and returns it. */
export function f32ToBf16(
  values: Float32Array,
  target: Uint16Array = new Uint16Array(values.length),
): Uint16Array {
  const patterns = patternsOf("f32ToBf16", target, values);
  for (let i = 0; i < patterns.length; i++) {
    const pattern = patterns[i];
    const isNaN = (pattern & 0x7fffffff) > F32_INFINITY;
    // A NaN is cut, not rounded: rounding could carry it into the sign, and cutting could leave infinity.
    if (isNaN) target[i] = (pattern >>> 16) | ((pattern >>> 16) & 0x7f ? 0 : BF16_QUIET);
    else target[i] = roundBits(pattern, 16) >>> 16;
  }
  return target;
}

/** Adds what makes cutting the lowest `cut` bits round to nearest, ties to even. */
function roundBits(pattern: number, cut: number): number {
  const half = 2 ** (cut - 1);
  return pattern + (half - 1) + ((pattern >>> cut) & 1);
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** The float32 array's bit patterns, in place, once both lengths agree. */
function patternsOf(op: string, narrow: Uint16Array, wide: Float32Array): Uint32Array {
  if (narrow.length !== wide.length) {
    throw new SafetensorsError(
      `${op}: ${narrow.length} 16-bit and ${wide.length} float32 elements; give a target of the source's length`,
    );
  }
  return new Uint32Array(wide.buffer, wide.byteOffset, wide.length);
}
