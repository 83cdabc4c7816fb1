/** bfloat16, the upper half of a float32: to it and back, on the host. */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** NaN's own, since rounding its bits up could make an infinity of it. */
const NAN = 0x7fc0;

/** The bits of each value's nearest bfloat16; halves go to the even neighbour. */
export function toBFloat16(values: ArrayLike<number>): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    float[0] = values[i];
    out[i] = Number.isNaN(float[0]) ? NAN : (bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) >>> 16;
  }
  return out;
}

/** The values that these bits stand for. */
export function fromBFloat16(halves: Uint16Array): Float32Array {
  const out = new Uint32Array(halves.length);
  for (let i = 0; i < out.length; i++) out[i] = halves[i] << 16;
  return new Float32Array(out.buffer);
}

/** `value`, or the bfloat16 next to it away from 0, the likelier the nearer: `random` is drawn from 0 to 2^16 − 1. */
export function drawBFloat16(value: number, random: number): number {
  float[0] = value;
  bits[0] = (bits[0] + random) & 0xffff0000;
  return float[0];
}

/**
 * 32 random bits of a value at place `index` in update `step`: the same on every engine and for any number of threads
 * (a mixer of Chris Wellons' search, "lowbias32", of the place and the mixed step).
 */
export function updateBits(step: number, index: number): number {
  return mix(index + mix(step));
}

function mix(n: number): number {
  let x = n | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
