/** Loss and KL by row kind and position, against naive passes over every row; and what is made of them. */
import { foldModel, type HostModel, toEps1e12, type WeightsInMemory } from "@normless/gpt2";
import { type Backend, reference } from "@normless/tensor";
import { wasm } from "@normless/tensor-wasm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { comparePredictions } from "../src/compare/divergences.js";
import { curveOf, positionFigures } from "../src/positions/position-figures.js";
import { measurePositions } from "../src/positions/position-loss.js";
import type { PositionOptions, PositionSums } from "../src/positions/position-sums.js";
import {
  type PositionRange,
  positionRanges,
  rowBatches,
  type RowSet,
  rowSet,
  rowTargets,
} from "../src/positions/row-kinds.js";
import {
  configsFrom,
  frozenModel,
  naivePass,
  onDevice,
  randomIds,
  randomModel,
  seeds,
} from "@normless/gpt2/testing";

/** A prediction of one token alone, or a text of one, has nothing to be measured. */
const configs = configsFrom(2);

async function measure(
  backend: Backend,
  model: HostModel,
  rows: RowSet,
  { reference: teacher, ...options }: Omit<PositionOptions, "reference"> & { reference?: HostModel },
): Promise<PositionSums> {
  const held = teacher && (await onDevice(backend, teacher));
  const work = measurePositions(await onDevice(backend, model), rows, {
    ...options,
    ...(held && { reference: held }),
  });
  let seen = 0;
  for (;;) {
    const { done, value } = await work.next();
    if (done) {
      expect(seen).toBe(rowTargets(rows));
      return value;
    }
    seen = value;
  }
}

/** Loss and KL(reference ‖ model) of each row's targets, in float64 from whole logits. */
function naive(model: HostModel<WeightsInMemory>, teacher: HostModel<WeightsInMemory>, { kinds }: RowSet) {
  return kinds.map((kind) =>
    [...rowBatches(kind, 1)]
      .sort((x, y) => x.rows[0] - y.rows[0])
      .map(({ inputs, targets }) => {
        const [p, q] = [naivePass(teacher, [...inputs]).logits, naivePass(model, [...inputs]).logits];
        return [...targets].map((target, t) => {
          const { b, klAB } = comparePredictions(p[t], q[t], target);
          return { target, loss: b.loss, kl: klAB };
        });
      }),
  );
}

const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
/** Values pass through float32 on their way: 6e-8 of what they are. */
function expectNear(value: number, wanted: number, tolerance = 5e-7): void {
  expect(Math.abs(value - wanted)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(wanted)));
}

describe("measurePositions", () => {
  it("gives what naive passes give, in every range of every row of every kind", async () => {
    await fc.assert(
      fc.asyncProperty(configs, seeds, fc.integer({ min: 1, max: 5 }), async (config, seed, batchSize) => {
        const [a, b] = [randomModel(config, seed), frozenModel(config, seed + 1)];
        const T = config.blockSize;
        const tokens = Uint16Array.from(randomIds(config, 4 * T + 3, seed));
        const rows = rowSet({ tokens, blockSize: T, eot: config.eot });
        for (const leaveOut of [undefined, 0]) {
          const found = await measure(reference(), b, rows, {
            batchSize,
            reference: a,
            ...(leaveOut !== undefined && { leaveOut }),
          });
          const wanted = naive(b, a, rows);
          expect(found.kinds.map(({ kind }) => kind)).toEqual(rows.kinds.map(({ kind }) => kind));
          for (const [k, kind] of found.kinds.entries()) {
            const counted = wanted[k].map((row) =>
              row.map((one, t) => ({ ...one, t })).filter(({ target }) => target !== leaveOut),
            );
            const ranges = positionRanges(T).filter(({ begin, end }) =>
              counted.flat().some(({ t }) => t >= begin && t < end),
            );
            expect(kind.ranges.map(({ range }) => range)).toEqual(ranges);
            for (const { range, loss, kl } of kind.ranges) {
              counted.forEach((row, i) => {
                const inside = row.filter(({ t }) => t >= range.begin && t < range.end);
                expect(loss.counts[i]).toBe(inside.length);
                expectNear(loss.sums[i], total(inside.map((one) => one.loss)));
                expectNear(kl?.sums[i] ?? NaN, total(inside.map((one) => one.kl)));
              });
            }
            for (let t = 0; t < T; t++) {
              const here = counted.flat().filter((one) => one.t === t);
              expect(kind.positions.counts[t]).toBe(here.length);
              expectNear(kind.positions.loss[t], total(here.map((one) => one.loss)));
              expectNear(kind.positions.kl?.[t] ?? NaN, total(here.map((one) => one.kl)));
            }
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  it("is right of frozen, folded and eps-1e12 models: they are the same but for rounding", async () => {
    const [config] = fc.sample(configs, { numRuns: 1, seed: 12 });
    const wide = { ...config, blockSize: 12, eot: config.vocabSize - 1 };
    const original = randomModel(wide, 1);
    const frozen = frozenModel(wide, 2);
    const tokens = Uint16Array.from(randomIds(wide, 150, 3));
    const rows = rowSet({ tokens, blockSize: 12, eot: wide.eot });
    expect(rows.kinds).toHaveLength(3);
    const backend = await wasm({ threads: 1 });
    const options = { batchSize: 4, reference: original };
    const [one, ...others] = [
      await measure(backend, frozen, rows, options),
      await measure(backend, foldModel(frozen), rows, options),
      await measure(backend, toEps1e12(frozen), rows, options),
    ];
    for (const [k, { ranges }] of one.kinds.entries()) {
      for (const [r, { loss, kl }] of ranges.entries()) {
        for (const other of others) {
          const same = other.kinds[k].ranges[r];
          Array.from(loss.sums).forEach((nats, i) => expectNear(same.loss.sums[i], nats, 1e-4));
          Array.from(kl?.sums ?? []).forEach((nats, i) => expectNear(same.kl?.sums[i] ?? NaN, nats, 1e-4));
          expect(total(Array.from(kl?.sums ?? []))).toBeGreaterThan(0);
        }
      }
    }
    const own = await measure(backend, original, rows, options);
    for (const { positions } of own.kinds) expect(new Set(positions.kl)).toEqual(new Set([0]));
    await backend.dispose();
  });

  it("gives all memory back", async () => {
    const [config] = fc.sample(configs, { numRuns: 1, seed: 5 });
    const backend = await wasm({ threads: 1 });
    const [model, teacher] = [
      await onDevice(backend, randomModel(config, 1)),
      await onDevice(backend, randomModel(config, 2)),
    ];
    const before = backend.memory().liveBytes;
    const tokens = Uint16Array.from(randomIds(config, 40, 1));
    const rows = rowSet({ tokens, blockSize: config.blockSize, eot: config.eot });
    const work = measurePositions(model, rows, { batchSize: 3, reference: teacher });
    while (!(await work.next()).done) expect(backend.memory().liveBytes).toBe(before);
    expect(backend.memory().liveBytes).toBe(before);
    await backend.dispose();
  });

  it("names what a range lacks: rows so long, targets that count", async () => {
    const [config] = fc.sample(configs, { numRuns: 1, seed: 1 });
    const six = { ...config, vocabSize: 4, blockSize: 6, eot: 3 };
    const model = randomModel(six, 1);
    const rows = rowSet({ tokens: Uint16Array.of(0, 1, 3, 1, 3), blockSize: 6, eot: 3 });
    const { notMeasured, kinds } = await measure(reference(), model, rows, { batchSize: 2, leaveOut: 1 });
    expect(kinds.find(({ kind }) => kind === "eot-document")?.ranges.map(({ range }) => range.begin)).toEqual(
      [0, 1, 2],
    );
    const why = "all its targets are end-of-text, and those are left out";
    expect(notMeasured).toEqual([
      { kind: "plain", range: { begin: 0, end: 1 }, why },
      { kind: "eot-middle", range: { begin: 1, end: 2 }, why },
    ]);
    const short = rowSet({ tokens: Uint16Array.of(0, 3, 1, 3), blockSize: 6, eot: 3 });
    const found = await measure(reference(), model, short, { batchSize: 2 });
    expect(found.notMeasured).toEqual([
      { kind: "eot-document", range: { begin: 2, end: 6 }, why: "the longest row has 2 tokens" },
    ]);
  });

  it("refuses a reference of another vocabulary, and names where a loss is no number", async () => {
    const [config] = fc.sample(configs, { numRuns: 1, seed: 1 });
    const model = randomModel(config, 1);
    const other = randomModel({ ...config, vocabSize: config.vocabSize + 1 }, 1);
    const rows = rowSet({ tokens: Uint16Array.of(0, 1, 0), blockSize: 2, eot: undefined });
    await expect(measure(reference(), model, rows, { batchSize: 1, reference: other })).rejects.toThrow(
      "their predictions cannot be compared",
    );
    model.weights["wpe.weight"].data.fill(NaN, config.channels, 2 * config.channels);
    await expect(measure(reference(), model, rows, { batchSize: 1 })).rejects.toThrow(
      /the loss, target by target, holds NaN at position 1 of row 0 \(plain windows\)/,
    );
  });
});

describe("positionFigures", () => {
  it("are the means of all targets, their differences, and intervals around them", async () => {
    const [config] = fc.sample(configs, { numRuns: 1, seed: 7 });
    const wide = { ...config, vocabSize: 7, blockSize: 6, eot: 6 };
    const [a, b] = [randomModel(wide, 1), frozenModel(wide, 2)];
    const tokens = Uint16Array.from(randomIds(wide, 200, 3));
    const rows = rowSet({ tokens, blockSize: 6, eot: 6 });
    const sums = [
      await measure(reference(), a, rows, { batchSize: 8 }),
      await measure(reference(), b, rows, { batchSize: 8, reference: a }),
    ];
    const [first, second] = positionFigures(sums, { resamples: 300 });
    const wanted = naive(b, a, rows);
    for (const [k, kind] of second.kinds.entries()) {
      const all = wanted[k].flat();
      expectNear(kind.all.loss.value, total(all.map(({ loss }) => loss)) / all.length);
      expectNear(kind.all.kl?.value ?? NaN, total(all.map(({ kl }) => kl)) / all.length);
      for (const [r, cell] of kind.ranges.entries()) {
        const { begin, end } = cell.range;
        const here = wanted[k].flatMap((row) => row.slice(begin, end));
        expectNear(cell.loss.value, total(here.map(({ loss }) => loss)) / here.length);
        expectNear(cell.kl?.value ?? NaN, total(here.map(({ kl }) => kl)) / here.length);
        const before = first.kinds[k].ranges[r];
        expectNear(cell.toFirst?.value ?? NaN, cell.loss.value - before.loss.value);
        for (const { value, interval } of [cell.loss, cell.kl, cell.toFirst].flatMap((one) =>
          one ? [one] : [],
        )) {
          // After end-of-text all first positions predict the same.
          const constant = begin === 0 && kind.kind !== "plain" && value === cell.kl?.value;
          expect(interval?.low).toBeLessThan(value + (constant ? 1e-12 : 0));
          expect(interval?.high).toBeGreaterThan(value - (constant ? 1e-12 : 0));
        }
        expect(before.toFirst).toBeUndefined();
        expect(before.kl).toBeUndefined();
      }
    }
  });

  it("pair models: the difference of a model from itself has an interval of no width", async () => {
    const [config] = fc.sample(configs, { numRuns: 1, seed: 2 });
    const rows = rowSet({
      tokens: Uint16Array.from(randomIds(config, 60, 3)),
      blockSize: config.blockSize,
      eot: config.eot,
    });
    const model = randomModel(config, 1);
    const sums = await measure(reference(), model, rows, { batchSize: 8, reference: model });
    const [, same] = positionFigures([sums, sums], { resamples: 50 });
    for (const { all, ranges } of same.kinds) {
      for (const { toFirst, kl, loss } of [all, ...ranges]) {
        const exactly = { value: 0, ...(loss.interval && { interval: { low: 0, high: 0 } }) };
        expect(toFirst).toEqual(exactly);
        expect(kl).toEqual(exactly);
      }
    }
  });
});

describe("curveOf", () => {
  it("has the first positions one by one, then four means to each doubling, and loses nothing", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 300 }), (counts) => {
        const sums = counts.map((count, t) => count * (t + 1));
        const points = curveOf({ counts, loss: sums, kl: sums });
        const inside = (values: readonly number[], { begin, end }: PositionRange) =>
          total(values.slice(begin, end));
        for (const { range, loss, kl } of points) {
          expect(loss).toBeCloseTo(inside(sums, range) / inside(counts, range), 9);
          expect(kl).toBe(loss);
        }
        expect(total(points.map(({ range }) => inside(counts, range)))).toBe(total(counts));
      }),
    );
    const full = curveOf({ counts: new Array<number>(40).fill(1), loss: new Array<number>(40).fill(2) });
    expect(full.map(({ range }) => range.begin)).toEqual([
      ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32],
    ]);
    expect(full[0]).toEqual({ range: { begin: 0, end: 1 }, loss: 2 });
  });
});
