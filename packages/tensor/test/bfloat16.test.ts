import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drawBFloat16 } from "../src/bfloat16.js";
import { dry, fromBFloat16, reference, toBFloat16 } from "../src/index.js";

const one = (value: number) => fromBFloat16(toBFloat16([value]))[0];
/** Every bfloat16 that is a number. */
const all = fromBFloat16(Uint16Array.from({ length: 2 ** 16 }, (_, i) => i)).filter((x) => !Number.isNaN(x));
const float = fc.float({ noNaN: true, noDefaultInfinity: true });

describe("bfloat16", () => {
  it("keeps every value that is one", () => {
    expect(fromBFloat16(toBFloat16(all))).toEqual(all);
    expect(one(NaN)).toBeNaN();
  });

  it("is the nearest value, of two as near the even one", () => {
    const sorted = Float32Array.from(new Set(all)).sort();
    fc.assert(
      fc.property(float, (x) => {
        const above = sorted.findIndex((value) => value >= x);
        const near = [sorted[above - 1], sorted[above]].filter((value) => value !== undefined);
        // The gap goes on beyond the largest, as IEEE 754 has it.
        const far = (value: number) => Math.abs((Number.isFinite(value) ? value : 2 ** 128) - Math.abs(x));
        const distance = (value: number) => (Number.isFinite(value) ? Math.abs(value - x) : far(value));
        const least = Math.min(...near.map(distance));
        const nearest = near.filter((value) => distance(value) === least);
        const even = nearest.filter((value) => toBFloat16([value])[0] % 2 === 0);
        expect([...(nearest.length === 1 ? nearest : even)].map((v) => v + 0)).toContain(one(x) + 0);
      }),
      { numRuns: 500 },
    );
  });

  it("is drawn between its neighbours, so that many draws have the value's mean", () => {
    fc.assert(
      fc.property(float, (x) => {
        const draws = Array.from({ length: 2 ** 16 }, (_, i) => drawBFloat16(x, i));
        const kinds = [...new Set(draws)];
        expect(kinds.length).toBeLessThanOrEqual(2);
        if (!kinds.every(Number.isFinite)) return;
        const mean = draws.reduce((sum, value) => sum + value / draws.length, 0);
        expect(Math.abs(mean - x)).toBeLessThanOrEqual(1e-6 * Math.abs(x));
      }),
      { numRuns: 20 },
    );
  });

  it("is refused where a kernel computes in its operand, by what to do", () => {
    const backend = reference();
    const x = backend.run("full", {}, { shape: [3], value: 1, dtype: "bfloat16" }).y;
    expect(() => backend.run("unary", { x }, { op: "exp" })).toThrow("x is bfloat16; it must be");
    expect(() => backend.run("cast", { x }, { to: "int32" })).toThrow("must be float32 or bfloat16");
    const y = backend.run("cast", { x }, { to: "float32" }).y;
    expect(() => backend.run("cast", { x: y }, { to: "bfloat16" }, { y: x })).toThrow("adds into nothing");
  });

  it("takes what is written to it, rounded", async () => {
    const backend = reference();
    const x = backend.run("full", {}, { shape: [2], value: 0, dtype: "bfloat16" }).y;
    backend.write(x, Float32Array.of(1 + 2 ** -8, -3));
    expect([...(await x.read())]).toEqual([1, -3]);
  });

  it("counts two bytes a value", () => {
    const backend = dry();
    const { y } = backend.run("full", {}, { shape: [5, 7], value: 0, dtype: "bfloat16" });
    expect(backend.memory().liveBytes).toBe(70);
    y.free();
    expect(backend.memory().liveBytes).toBe(0);
  });
});
