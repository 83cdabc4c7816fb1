import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from "@normless/safetensors";

/** A 16-bit float format, and its value by the definition in IEEE 754-2019 section 3.4, in float64. */
interface Format {
  readonly name: string;
  readonly fractionBits: number;
  readonly bias: number;
  readonly infinity: number;
  readonly widen: (bits: Uint16Array) => Float32Array;
  readonly narrow: (values: Float32Array) => Uint16Array;
}

const formats: Format[] = [
  { name: "F16", fractionBits: 10, bias: 15, infinity: 0x7c00, widen: f16ToF32, narrow: f32ToF16 },
  { name: "BF16", fractionBits: 7, bias: 127, infinity: 0x7f80, widen: bf16ToF32, narrow: f32ToBf16 },
];

/** What a finite pattern from 0 up stands for; for infinity's, what the format would hold there without a limit. */
function magnitudeOf({ fractionBits, bias }: Format, bits: number): number {
  const exponent = bits >> fractionBits;
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  return exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias);
}

function valueOf(format: Format, bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const magnitude = bits & 0x7fff;
  if (magnitude > format.infinity) return NaN;
  return sign * (magnitude === format.infinity ? Infinity : magnitudeOf(format, magnitude));
}

/** The pattern nearest to a value, by bisection over the definition; of two equally near the even one. */
function nearest(format: Format, value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= magnitudeOf(format, format.infinity)) return sign | format.infinity;
  let low = 0;
  let high = format.infinity;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (magnitudeOf(format, middle) <= size) low = middle;
    else high = middle;
  }
  const below = size - magnitudeOf(format, low);
  const above = magnitudeOf(format, high) - size;
  return sign | (below < above || (below === above && low % 2 === 0) ? low : high);
}

function fromBits(...patterns: number[]): Float32Array {
  return new Float32Array(Uint32Array.from(patterns).buffer);
}

const everyPattern = Uint16Array.from({ length: 65536 }, (_, i) => i);

describe.each(formats)("$name", (format) => {
  it("widens all 65,536 patterns to what the definition says", () => {
    const wide = format.widen(everyPattern);
    const wrong = everyPattern.filter((bits) => !Object.is(wide[bits], valueOf(format, bits)));
    expect(wrong).toEqual(new Uint16Array());
  });

  it("gives all 65,536 patterns back, NaN payloads and signed zeros too", () => {
    expect(format.narrow(format.widen(everyPattern))).toEqual(everyPattern);
  });

  it("rounds to nearest, ties to even, at every boundary between two neighbours", () => {
    const wrong: string[] = [];
    for (let low = 0; low < format.infinity; low++) {
      const middle = Float32Array.of((magnitudeOf(format, low) + magnitudeOf(format, low + 1)) / 2);
      const bits = new Uint32Array(middle.buffer)[0];
      const even = low % 2 === 0 ? low : low + 1;
      for (const sign of [0, 0x8000]) {
        const at = bits | (sign << 16);
        const got = format.narrow(fromBits(at - 1, at, at + 1));
        const expected = [low | sign, even | sign, (low + 1) | sign];
        if (got.some((pattern, i) => pattern !== expected[i])) wrong.push(`${low} ${sign} ${got.join()}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("narrows any float32 to the nearest pattern, and a NaN to a NaN of its sign", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (bits) => {
        const values = fromBits(bits);
        const [pattern] = format.narrow(values);
        if (!Number.isNaN(values[0])) expect(pattern).toBe(nearest(format, values[0]));
        else expect([(pattern & 0x7fff) > format.infinity, pattern >>> 15]).toEqual([true, bits >>> 31]);
      }),
      { numRuns: 2000 },
    );
  });

  it("keeps a NaN a NaN when all of its payload is below what is kept", () => {
    const narrowed = format.narrow(fromBits(0x7f800001, 0xff800001));
    expect([...format.widen(narrowed)]).toEqual([NaN, NaN]);
    expect([...narrowed].map((pattern) => pattern >>> 15)).toEqual([0, 1]);
  });

  it("writes to a target, in the middle of shared memory too", () => {
    const target = new Float32Array(new SharedArrayBuffer(16), 4, 2);
    const one = format.narrow(Float32Array.of(1, -2));
    expect(format.name === "F16" ? f16ToF32(one, target) : bf16ToF32(one, target)).toBe(target);
    expect([...new Float32Array(target.buffer)]).toEqual([0, 1, -2, 0]);
  });
});

it("refuses a target of another length", () => {
  expect(() => f32ToF16(new Float32Array(3), new Uint16Array(2))).toThrow(
    "f32ToF16: 2 16-bit and 3 float32 elements; give a target of the source's length",
  );
});
