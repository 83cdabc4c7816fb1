import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batchAt, sequentialBatches, windowsPerEpoch, type Batch } from "../src/index.js";

// Token i is i, so that a token tells where in the text it stands.
const positions = (length: number): Uint16Array => Uint16Array.from({ length }, (_, i) => i);

const sizes = fc.record({
  batchSize: fc.integer({ min: 1, max: 7 }),
  blockSize: fc.integer({ min: 1, max: 20 }),
  beyond: fc.nat(300),
});
const seeds = fc.maxSafeInteger();
const steps = fc.nat(1_000_000);

function expectNextTokens({ inputs, targets, B, T }: Batch): void {
  expect(inputs).toHaveLength(B * T);
  expect(targets).toHaveLength(B * T);
  expect(inputs).toEqual(inputs.map((_, i) => inputs[i - (i % T)] + (i % T)));
  expect(targets).toEqual(inputs.map((token) => token + 1));
}

describe("batchAt", () => {
  it("gives rows of consecutive tokens, and as targets the tokens after them", () => {
    fc.assert(
      fc.property(sizes, seeds, steps, ({ batchSize, blockSize, beyond }, seed, step) => {
        const tokens = positions(blockSize + 1 + beyond);
        const batch = batchAt({ tokens, batchSize, blockSize, seed, step });
        expect([batch.B, batch.T]).toEqual([batchSize, blockSize]);
        expectNextTokens(batch);
        expect(Math.max(...batch.targets)).toBeLessThan(tokens.length);
      }),
    );
  });

  it("is a pure function of seed and step", () => {
    fc.assert(
      fc.property(seeds, steps, (seed, step) => {
        const options = { tokens: positions(5000), batchSize: 4, blockSize: 16, seed };
        const batch = batchAt({ ...options, step });
        expect(batchAt({ ...options, step })).toEqual(batch);
        expect(batchAt({ ...options, step: step + 1 })).not.toEqual(batch);
        expect(batchAt({ ...options, seed: seed === 0 ? 1 : -seed, step })).not.toEqual(batch);
      }),
    );
  });

  it("never changes: these are the bits of seed 1337", () => {
    const options = { tokens: positions(1000), batchSize: 3, blockSize: 2, seed: 1337 };
    const inputs = [0, 1, 1000].map((step) => Array.from(batchAt({ ...options, step }).inputs));
    expect(inputs).toEqual([
      [705, 706, 225, 226, 911, 912],
      [245, 246, 477, 478, 79, 80],
      [67, 68, 971, 972, 917, 918],
    ]);
  });

  it("visits each window of an epoch once, at one offset below T", () => {
    fc.assert(
      fc.property(sizes, seeds, fc.nat(5), ({ blockSize, beyond }, seed, epoch) => {
        const tokens = positions(blockSize + 1 + beyond);
        const windows = windowsPerEpoch(tokens.length, blockSize);
        const starts = Array.from({ length: windows }, (_, window) => {
          const step = epoch * windows + window;
          return batchAt({ tokens, batchSize: 1, blockSize, seed, step }).inputs[0];
        }).sort((a, b) => a - b);
        expect(starts[0]).toBeLessThan(blockSize);
        expect(starts).toEqual(starts.map((_, window) => starts[0] + window * blockSize));
        expect(tokens.length - 1 - windows * blockSize).toBeLessThan(2 * blockSize);
      }),
    );
  });

  it("deals the same rows whatever the batch size", () => {
    fc.assert(
      fc.property(sizes, seeds, fc.nat(20), ({ batchSize, blockSize, beyond }, seed, step) => {
        const options = { tokens: positions(blockSize + 1 + beyond), blockSize, seed };
        const rows = Array.from({ length: batchSize }, (_, row) => [
          ...batchAt({ ...options, batchSize: 1, step: step * batchSize + row }).inputs,
        ]);
        expect([...batchAt({ ...options, batchSize, step }).inputs]).toEqual(rows.flat());
      }),
    );
  });

  it("shifts the windows and shuffles anew from epoch to epoch", () => {
    const [tokens, blockSize] = [positions(1601), 16];
    const windows = windowsPerEpoch(tokens.length, blockSize);
    const epochs = [0, 1, 2, 3].map((step) =>
      batchAt({ tokens, batchSize: windows, blockSize, seed: 3, step }).inputs.filter(
        (_, i) => i % blockSize === 0,
      ),
    );
    const offsets = new Set(epochs.map((starts) => Math.min(...starts)));
    expect(offsets.size).toBeGreaterThan(1);
    const orders = new Set(epochs.map((starts) => starts.map((start) => Math.floor(start / 16)).join()));
    expect(orders.size).toBe(4);
  });

  it("names what is wrong", () => {
    const options = { tokens: positions(10), batchSize: 1, blockSize: 10, seed: 1, step: 0 };
    expect(() => batchAt(options)).toThrow("corpus has 10 tokens, and a row of blockSize 10 needs 11");
    expect(() => batchAt({ ...options, tokens: positions(0) })).toThrow(
      "the corpus is empty (0 tokens), and a row of blockSize 10 needs 11",
    );
    expect(() => batchAt({ ...options, batchSize: 0 })).toThrow(
      "batchSize is 0; it must be a positive integer",
    );
    expect(() => batchAt({ ...options, blockSize: 1.5 })).toThrow(
      "blockSize is 1.5; it must be a positive integer",
    );
    expect(() => batchAt({ ...options, blockSize: 5, step: -1 })).toThrow(
      "step is -1; it must be an integer",
    );
    expect(() => batchAt({ ...options, blockSize: 5, seed: NaN })).toThrow(
      "the seed NaN must be a safe integer",
    );
  });
});

describe("sequentialBatches", () => {
  it("holds every target exactly once, in order", () => {
    fc.assert(
      fc.property(sizes, ({ batchSize, blockSize, beyond }) => {
        const tokens = positions(2 + beyond);
        const batches = [...sequentialBatches({ tokens, batchSize, blockSize })];
        for (const batch of batches) {
          expectNextTokens(batch);
          expect(batch.B).toBeLessThanOrEqual(batchSize);
          expect(batch.T).toBeLessThanOrEqual(blockSize);
        }
        expect(batches.flatMap(({ targets }) => [...targets])).toEqual([...tokens.subarray(1)]);
      }),
    );
  });

  it("ends with fewer rows, then with one shorter row", () => {
    const batches = [...sequentialBatches({ tokens: positions(15), batchSize: 2, blockSize: 4 })];
    expect(batches.map(({ B, T }) => [B, T])).toEqual([
      [2, 4],
      [1, 4],
      [1, 2],
    ]);
  });

  it("names what is wrong", () => {
    const first = (tokens: Uint16Array) => sequentialBatches({ tokens, batchSize: 1, blockSize: 4 }).next();
    expect(() => first(positions(0))).toThrow(
      "the corpus is empty (0 tokens), and a row of blockSize 4 needs 5",
    );
    expect(() => first(positions(1))).toThrow("the corpus has 1 token, and an input with its target needs 2");
  });
});
