/** Which rows are looked at, of which positions, and what a text without documents lacks. */
import { sequentialBatches } from "@normless/text";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  positionRanges,
  rangeName,
  type RowKind,
  rowBatches,
  type RowSet,
  rowSet,
  rowTargets,
} from "../src/positions/row-kinds.js";

const EOT = 9;
const texts = fc
  .array(fc.integer({ min: 0, max: 9 }), { minLength: 2, maxLength: 80 })
  .map((ids) => Uint16Array.from(ids));

/** Inputs and targets of every row, in the order of the rows. */
function rowsOf({ kinds }: RowSet, kind: RowKind, batchSize = 3) {
  const found = kinds.find((one) => one.kind === kind);
  if (!found) return undefined;
  const rows: { inputs: number[]; targets: number[] }[] = [];
  for (const batch of rowBatches(found, batchSize)) {
    expect(batch.B).toBeLessThanOrEqual(batchSize);
    batch.rows.forEach((row, i) => {
      const part = (ids: Int32Array) => [...ids.subarray(i * batch.T, i * batch.T + batch.lengths[i])];
      rows[row] = { inputs: part(batch.inputs), targets: part(batch.targets) };
    });
  }
  return rows;
}

describe("positionRanges", () => {
  it("are 0, 1, 2–7, 8–31, 32–127, then doubling, and end with the row", () => {
    const names = (T: number) => positionRanges(T).map(rangeName);
    expect(names(1024)).toEqual(["0", "1", "2–7", "8–31", "32–127", "128–255", "256–511", "512–1023"]);
    expect(names(100)).toEqual(["0", "1", "2–7", "8–31", "32–99"]);
    expect(names(129).at(-1)).toBe("128");
    expect(names(1)).toEqual(["0"]);
  });

  it("cover every position once", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), (T) => {
        const ranges = positionRanges(T);
        expect(ranges[0].begin).toBe(0);
        expect(ranges.at(-1)?.end).toBe(T);
        ranges.slice(1).forEach(({ begin }, i) => expect(begin).toBe(ranges[i].end));
        for (const { begin, end } of ranges) expect(end).toBeGreaterThan(begin);
      }),
    );
  });
});

describe("rowSet", () => {
  it("has the windows of sequentialBatches, alone and after end-of-text", () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 20 }), (tokens, blockSize) => {
        const set = rowSet({ tokens, blockSize, eot: EOT });
        const windows = [...sequentialBatches({ tokens, batchSize: 1, blockSize })].map(
          ({ inputs, targets }) => ({
            inputs: [...inputs],
            targets: [...targets],
          }),
        );
        expect(rowsOf(set, "plain")).toEqual(windows);
        expect(rowsOf(set, "eot-middle")).toEqual(
          windows.map(({ inputs }) => ({ inputs: [EOT, ...inputs.slice(0, -1)], targets: inputs })),
        );
        const all = set.kinds.flatMap(({ rows }) => rows.map(({ length }) => length));
        expect(rowTargets(set)).toBe(all.reduce((a, b) => a + b, 0));
      }),
    );
  });

  it("has every document after end-of-text, up to its own", () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 20 }), (tokens, blockSize) => {
        const documents = [...tokens]
          .map((id) => (id === EOT ? "." : String(id)))
          .join("")
          .match(/[^.]+\.?/g)
          ?.map((text) => [...text].map((id) => (id === "." ? EOT : Number(id))));
        const rows = rowsOf(rowSet({ tokens, blockSize, eot: EOT }), "eot-document");
        if (!tokens.includes(EOT) || !documents || documents.length < 2) {
          expect(rows).toBeUndefined();
          return;
        }
        expect(rows).toEqual(
          documents.map((ids) => {
            const targets = ids.slice(0, blockSize);
            return { inputs: [EOT, ...targets.slice(0, -1)], targets };
          }),
        );
      }),
    );
  });

  it("takes at most so many, evenly spread, and none of a kind that nobody wants", () => {
    const tokens = Uint16Array.from({ length: 101 }, (_, i) => i);
    const options = { tokens, blockSize: 4, eot: 500 };
    const { kinds } = rowSet({ ...options, most: { plain: 5, "eot-middle": 100, "eot-document": 0 } });
    expect(kinds.map(({ kind, rows, available }) => [kind, rows.length, available])).toEqual([
      ["plain", 5, 25],
      ["eot-middle", 25, 25],
    ]);
    expect(kinds[0].rows.map(({ start }) => start)).toEqual([0, 20, 40, 60, 80]);
  });

  it("takes documents from another text where one is given", () => {
    const tokens = Uint16Array.from([1, 2, 3, 4]);
    const documents = Uint16Array.from([5, EOT, 6, 7, EOT, 8]);
    expect(rowsOf(rowSet({ tokens, documents, blockSize: 4, eot: EOT }), "eot-document")).toEqual([
      { inputs: [EOT, 5], targets: [5, EOT] },
      { inputs: [EOT, 6, 7], targets: [6, 7, EOT] },
      { inputs: [EOT], targets: [8] },
    ]);
  });

  it("says what it lacks, and why", () => {
    const lacks = (ids: number[], eot: number | undefined) =>
      rowSet({ tokens: Uint16Array.from(ids), blockSize: 4, eot }).notMeasured.map(
        ({ kind, why }) => `${kind}: ${why}`,
      );
    expect(lacks([1, 2, 3], undefined)).toEqual([
      "eot-middle: the model has no end-of-text",
      "eot-document: the model has no end-of-text",
    ]);
    expect(lacks([1, 2, 3], EOT)).toEqual([
      "eot-document: the text has no end-of-text, so that nobody knows where its documents begin",
    ]);
    expect(lacks([1, 2, 3, EOT], EOT)).toEqual([
      "eot-document: the text has but one document, and an interval needs two",
    ]);
    expect(lacks([1, EOT, 3, EOT], EOT)).toEqual([]);
    expect(() => rowSet({ tokens: Uint16Array.of(1), blockSize: 4, eot: EOT })).toThrow(
      "a row needs 2 at least",
    );
  });
});
