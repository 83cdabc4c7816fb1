import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { permuted } from "../src/permutation.js";
import { philox, randomAt } from "../src/random.js";

const seeds = fc.maxSafeInteger();
const uint32 = fc.nat({ max: 2 ** 32 - 1 });
const draws = (count: number, draw: () => number): number[] => Array.from({ length: count }, draw);

describe("philox", () => {
  // The known answers of Random123 (tests/kat_vectors), "philox4x32 10".
  it("gives Random123's known answers", () => {
    const ones = 0xffffffff;
    expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    expect(philox([ones, ones, ones, ones], [ones, ones])).toEqual([
      0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd,
    ]);
    expect(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toEqual([
      0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1,
    ]);
  });
});

describe("randomAt", () => {
  it("gives the same draws for the same place, and others elsewhere", () => {
    fc.assert(
      fc.property(seeds, uint32, uint32, (seed, a, b) => {
        const at = (...place: [number, number, number]): number[] => {
          const random = randomAt(...place);
          return draws(9, () => random.uint32());
        };
        const here = at(seed, a, b);
        expect(at(seed, a, b)).toEqual(here);
        expect(new Set(here).size).toBeGreaterThan(1);
        expect(at(seed, a, b === 0 ? 1 : b - 1)).not.toEqual(here);
        expect(at(seed === 0 ? 1 : -seed, a, b)).not.toEqual(here);
      }),
    );
  });

  it("draws Philox's words in order", () => {
    const random = randomAt(0);
    expect(draws(4, () => random.uint32())).toEqual([...philox([0, 0, 0, 0], [0, 0])]);
    expect(random.uint32()).toBe(philox([1, 0, 0, 0], [0, 0])[0]);
  });

  it("draws integers below n, every one of them, about as often", () => {
    const random = randomAt(5);
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 7000; i++) counts[random.below(7)]++;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150); // 5 standard deviations
    expect(random.below(1)).toBe(0);
    expect(random.below(2 ** 32)).toBeLessThan(2 ** 32);
  });

  it("draws uniforms in [0, 1) and normals with the moments they should have", () => {
    const random = randomAt(9, 1, 2, 3);
    const moments = (values: number[]): [mean: number, variance: number] => {
      const mean = values.reduce((sum, x) => sum + x) / values.length;
      return [mean, values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length];
    };
    const uniforms = draws(20_000, () => random.uniform());
    expect(Math.min(...uniforms)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...uniforms)).toBeLessThan(1);
    const [uniformMean, uniformVariance] = moments(uniforms);
    expect(uniformMean).toBeCloseTo(0.5, 1);
    expect(uniformVariance).toBeCloseTo(1 / 12, 2);
    const normals = draws(20_000, () => random.normal());
    const [mean, variance] = moments(normals);
    expect(mean).toBeCloseTo(0, 1);
    expect(variance).toBeCloseTo(1, 1);
    const within = normals.filter((x) => Math.abs(x) < 1).length / normals.length;
    expect(within).toBeCloseTo(0.683, 1);
  });

  it("refuses seeds, counters and bounds out of range", () => {
    expect(() => randomAt(0.5)).toThrow("the seed 0.5 must be a safe integer");
    expect(() => randomAt(1, -1)).toThrow("the counter -1 must be an integer from 0 to 4294967295");
    expect(() => randomAt(1, 2, 3, 4, 5)).toThrow("4 counters; there may be 3 at most");
    expect(() => randomAt(1).below(0)).toThrow("n is 0; it must be an integer from 1 to 4294967296");
  });
});

describe("permuted", () => {
  it("visits every index once", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), seeds, uint32, (size, seed, epoch) => {
        const seen = Array.from({ length: size }, (_, i) => permuted(i, size, seed, [epoch, 1]));
        expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, i) => i));
      }),
    );
  });

  it("sends an index anywhere, about as often", () => {
    const size = 5;
    const counts = new Array<number>(size).fill(0);
    for (let seed = 0; seed < 2000; seed++) counts[permuted(3, size, seed, [0, 0])]++;
    for (const count of counts) expect(Math.abs(count - 400)).toBeLessThan(90); // 5 standard deviations
  });
});
