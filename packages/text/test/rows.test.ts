import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batchAt, trainingRows, type Batch } from "../src/index.js";

const START = 65_000;
// Token i is i, so that a token tells where in the text it stands.
const tokens = Uint16Array.from({ length: 5000 }, (_, i) => i);
const shares = fc.oneof(fc.constantFrom(0, 0.125, 0.25, 0.5, 1), fc.double({ min: 0, max: 1, noNaN: true }));
const options = fc.record({
  batchSize: fc.integer({ min: 1, max: 9 }),
  blockSize: fc.constantFrom(1, 4, 12, 24),
  seed: fc.maxSafeInteger(),
  step: fc.nat(100_000),
});

interface Row {
  readonly inputs: readonly number[];
  readonly targets: readonly number[];
}

function rowsOf({ inputs, targets, B, T }: Batch): Row[] {
  return Array.from({ length: B }, (_, row) => ({
    inputs: [...inputs.subarray(row * T, (row + 1) * T)],
    targets: [...targets.subarray(row * T, (row + 1) * T)],
  }));
}

const all = (batches: readonly Batch[]) => batches.flatMap(rowsOf);
const next = (from: number, length: number) => Array.from({ length }, (_, i) => from + i);

describe("trainingRows", () => {
  it("is batchAt's batch where nothing else is asked for", () => {
    fc.assert(
      fc.property(options, (of) => {
        const batch = batchAt({ tokens, ...of });
        expect(trainingRows({ tokens, ...of })).toEqual([batch]);
        const none = { begin: { id: START, share: 0 }, short: { tokens: 1, share: 0 } };
        expect(trainingRows({ tokens, ...of, ...none })).toEqual([batch]);
      }),
    );
  });

  it("gives rows of consecutive tokens, some of them after the id, and the tokens after them as targets", () => {
    fc.assert(
      fc.property(options, shares, shares, (of, share, shortShare) => {
        const short = { tokens: of.blockSize % 4 === 0 ? 4 : 1, share: shortShare };
        for (const { inputs, targets } of all(
          trainingRows({ tokens, ...of, begin: { id: START, share }, short }),
        )) {
          const T = inputs.length;
          expect(targets).toEqual(next(targets[0], T));
          const text = inputs[0] === START ? [START, ...next(targets[0], T - 1)] : next(targets[0] - 1, T);
          expect(inputs).toEqual(text);
        }
      }),
    );
  });

  it("covers the same text as batchAt, whatever is cut", () => {
    fc.assert(
      fc.property(options, shares, (of, share) => {
        const short = { tokens: of.blockSize % 4 === 0 ? 4 : 1, share };
        const targets = (batches: readonly Batch[]) =>
          all(batches)
            .flatMap((row) => row.targets)
            .sort((a, b) => a - b);
        expect(targets(trainingRows({ tokens, ...of, short }))).toEqual(
          targets([batchAt({ tokens, ...of })]),
        );
      }),
    );
  });

  it("holds both shares over any run of steps, to a row", () => {
    fc.assert(
      fc.property(
        options,
        shares,
        shares,
        fc.integer({ min: 1, max: 20 }),
        (of, share, shortShare, steps) => {
          const { batchSize, blockSize } = of;
          const short = { tokens: blockSize % 4 === 0 ? 4 : blockSize, share: shortShare };
          const cut = blockSize / short.tokens;
          const batches = Array.from({ length: steps }, (_, i) =>
            trainingRows({ tokens, ...of, step: of.step + i, begin: { id: START, share }, short }),
          ).flat();
          for (const T of new Set([blockSize, short.tokens])) {
            const rows = all(batches.filter((batch) => batch.T === T));
            const begun = rows.filter(({ inputs }) => inputs[0] === START).length;
            // Of two kinds of one length, each is right to a row.
            expect(Math.abs(begun - rows.length * share)).toBeLessThan(cut === 1 ? 2 : 1);
          }
          if (cut === 1) return;
          const shortRows = all(batches).filter(({ inputs }) => inputs.length === short.tokens).length;
          expect(Math.abs(shortRows / cut - steps * batchSize * shortShare)).toBeLessThan(1);
        },
      ),
    );
  });

  it("is a pure function, and never changes: these are the bits of seed 1337", () => {
    const of = { batchSize: 4, blockSize: 4, seed: 1337, step: 3 };
    const rows = { begin: { id: START, share: 0.5 }, short: { tokens: 2, share: 0.25 } };
    const inputs = trainingRows({ tokens, ...of, ...rows }).map((batch) =>
      rowsOf(batch).map((row) => row.inputs),
    );
    expect(inputs).toEqual([
      [
        [65000, 1247, 1248, 1249],
        [879, 880, 881, 882],
        [65000, 2551, 2552, 2553],
      ],
      [
        [3139, 3140],
        [65000, 3141],
      ],
    ]);
    expect(trainingRows({ tokens, ...of, ...rows })).toEqual(trainingRows({ tokens, ...of, ...rows }));
  });

  it("refuses what is no share, and lengths that do not divide T", () => {
    const of = { tokens, batchSize: 2, blockSize: 12, seed: 1, step: 0 };
    for (const share of [-0.1, 1.1, NaN]) {
      const wrong = `share is ${share}; it must be a number from 0 to 1`;
      expect(() => trainingRows({ ...of, begin: { id: START, share } })).toThrow(`begin.${wrong}`);
      expect(() => trainingRows({ ...of, short: { tokens: 4, share } })).toThrow(`short.${wrong}`);
    }
    for (const wrong of [5, 0, 24, 1.5]) {
      expect(() => trainingRows({ ...of, short: { tokens: wrong, share: 0.5 } })).toThrow(
        `rows of 12 tokens cannot be cut into rows of ${wrong}; give a divisor of 12`,
      );
    }
  });
});
