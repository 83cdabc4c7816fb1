/** A comparison of two models, against naive passes over every sequence. */
import { foldModel, type HostModel } from "@normless/gpt2";
import { type Backend, reference } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import { wasm } from "@normless/tensor-wasm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Comparison, compareModels, validationLoss } from "../src/index.js";
import { comparePredictions } from "../src/compare/divergences.js";
import { histogram } from "../src/compare/histogram.js";
import { highestSpan, type Passage, withPassage } from "../src/compare/passages.js";
import { Resamples } from "@normless/statistics";
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

const meanOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

async function compare(
  backend: Backend,
  a: HostModel,
  b: HostModel,
  tokens: readonly number[],
  blockSize = a.config.blockSize,
): Promise<Comparison> {
  const models = { a: await onDevice(backend, a), b: await onDevice(backend, b) };
  const steps = compareModels(models, Uint16Array.from(tokens), { blockSize });
  let seen = 0;
  for (;;) {
    const { done, value } = await steps.next();
    if (done) {
      expect(seen).toBe(tokens.length - 1);
      return value;
    }
    seen = value;
  }
}

/** Sequences as a comparison cuts them: inputs and targets. */
function cut(tokens: readonly number[], T: number): { ids: number[]; targets: number[] }[] {
  const starts = Array.from({ length: Math.ceil((tokens.length - 1) / T) }, (_, i) => i * T);
  return starts.map((from) => ({
    ids: tokens.slice(from, Math.min(from + T, tokens.length - 1)),
    targets: tokens.slice(from + 1, from + T + 1),
  }));
}

/** Values pass through float32 on their way: 6e-8 of what they are. */
function expectMean(value: number | undefined, of: readonly number[]): void {
  const wanted = meanOf(of);
  expect(Math.abs(value! - wanted)).toBeLessThanOrEqual(5e-7 * Math.max(1, Math.abs(wanted)));
}

describe("compareModels", () => {
  it("gives what naive passes give: losses, divergences, norms, attention", async () => {
    await fc.assert(
      fc.asyncProperty(configs, seeds, async (config, seed) => {
        const [a, b] = [randomModel(config, seed), frozenModel(config, seed + 1)];
        const T = config.blockSize;
        const tokens = randomIds(config, 2 * T + 2, seed);
        const found = await compare(reference(), a, b, tokens);
        const sequences = cut(tokens, T).map(({ ids, targets }) => {
          const passes = { a: naivePass(a, ids), b: naivePass(b, ids) };
          const pairs = targets.map((target, t) =>
            comparePredictions(passes.a.logits[t], passes.b.logits[t], target),
          );
          return { ids, targets, passes, pairs };
        });
        const pairs = sequences.flatMap((sequence) => sequence.pairs);
        expect(found).toMatchObject({ tokens: 2 * T + 1, sequences: 3, blockSize: T });
        for (const [estimate, of] of [
          [found.loss.a, (pair) => pair.a.loss],
          [found.loss.difference, (pair) => pair.b.loss - pair.a.loss],
          [found.entropy.b, (pair) => pair.b.entropy],
          [found.klAB, ({ klAB }) => klAB],
          [found.klBA, ({ klBA }) => klBA],
          [found.jsd, ({ jsd }) => jsd],
          [found.agreement, (pair) => (pair.a.top === pair.b.top ? 1 : 0)],
        ] satisfies [{ value: number }, (pair: (typeof pairs)[number]) => number][]) {
          expectMean(estimate.value, pairs.map(of));
        }
        const bins = found.calibration.b.filter(({ count }) => count > 0);
        expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(2 * T + 1);
        for (const model of ["a", "b"] as const) {
          for (const { module, mean } of found.norms[model]) {
            const norms = { first: [] as number[], eot: [] as number[], rest: [] as number[] };
            for (const { ids, passes } of sequences) {
              passes[model].residuals[module].forEach((x, t) => {
                const position = t === 0 ? "first" : ids[t] === config.eot ? "eot" : "rest";
                norms[position].push(Math.hypot(...x));
              });
            }
            for (const position of ["first", "eot", "rest"] as const) {
              if (norms[position].length === 0) expect(mean).not.toHaveProperty(position);
              else expectMean(mean[position], norms[position]);
            }
          }
          const shares = (layer: number) =>
            sequences.flatMap(({ passes }) =>
              passes[model].attention[layer].flatMap((queries) => queries.slice(1).map(([first]) => first)),
            );
          for (const { layer, share, sinkRate } of found.attention[model]) {
            expect(share).toBeCloseTo(meanOf(shares(layer)), 6);
            expect(sinkRate).toBeCloseTo(meanOf(shares(layer).map((first) => (first > 0.3 ? 1 : 0))), 6);
          }
          const layers = found.attention[model];
          expect(found.firstAttention[model].value).toBeCloseTo(meanOf(layers.map(({ share }) => share)), 9);
          expect(found.sinkRate[model].value).toBeCloseTo(meanOf(layers.map((layer) => layer.sinkRate)), 9);
        }
        expect(found.lossDifferences.counts.reduce((sum, count) => sum + count, 0)).toBe(2 * T + 1);
      }),
      { numRuns: 25 },
    );
  });

  it("finds a model equal to itself, and to its fold but for rounding", async () => {
    const [config] = fc.sample(configs, { numRuns: 1, seed: 4 });
    const frozen = frozenModel(config, 2);
    const tokens = randomIds(config, 40, 3);
    const self = await compare(reference(), frozen, frozen, tokens);
    expect(self.jsd).toEqual({ value: 0, interval: { low: 0, high: 0 } });
    expect(self.loss.difference).toEqual({ value: 0, interval: { low: 0, high: 0 } });
    expect(self.agreement.value).toBe(1);
    const folded = await compare(reference(), frozen, foldModel(frozen), tokens);
    expect(folded.klAB.value).toBeLessThan(1e-9);
    expect(Math.abs(folded.loss.difference.value)).toBeLessThan(1e-5);
  });

  it("gives the same bits for any number of threads, the loss of eval, and all memory back", async () => {
    const config = {
      ...fc.sample(configs, { numRuns: 1, seed: 1 })[0],
      channels: 24,
      heads: 3,
      blockSize: 16,
    };
    const [a, b] = [randomModel(config, 5), randomModel(config, 6)];
    const tokens = randomIds(config, 200, 7);
    const results: Comparison[] = [];
    for (const threads of [1, 2]) {
      const backend = await wasm({ threads });
      const models = { a: await onDevice(backend, a), b: await onDevice(backend, b) };
      const before = backend.memory().liveBytes;
      const steps = compareModels(models, Uint16Array.from(tokens));
      let step = await steps.next();
      while (!step.done) step = await steps.next();
      results.push(step.value);
      expect(backend.memory().liveBytes).toBe(before);
      const losses = validationLoss(models.b, Uint16Array.from(tokens), { batchSize: 4, blockSize: 16 });
      let loss = await losses.next();
      while (!loss.done) loss = await losses.next();
      expect(step.value.loss.b.value).toBeCloseTo(loss.value, 5);
      await backend.dispose();
    }
    expect(results[0]).toEqual(results[1]);
  });

  it("shows where they differ most, with what stands before it", async () => {
    const [config] = fc.sample(configs, { numRuns: 1, seed: 9 });
    const tokens = randomIds(config, 100, 8);
    const T = config.blockSize;
    const found = await compare(reference(), randomModel(config, 1), randomModel(config, 2), tokens);
    expect(found.passages.length).toBeGreaterThan(1);
    found.passages.forEach(({ start, jsd, before, tokens: marked }, i) => {
      expect(marked.map(({ id }) => id)).toEqual(tokens.slice(start, start + marked.length));
      const sequence = start - 1 - ((start - 1) % T);
      expect(before).toEqual(tokens.slice(sequence, start));
      expect(jsd).toBeCloseTo(meanOf(marked.map((token) => token.jsd)), 9);
      if (i > 0) expect(jsd).toBeLessThanOrEqual(found.passages[i - 1].jsd);
    });
  });

  it("refuses models of two vocabularies, and a text of two tokens", async () => {
    const [config] = fc.sample(configs, { numRuns: 1, seed: 1 });
    const model = randomModel(config, 1);
    const other = randomModel({ ...config, vocabSize: config.vocabSize + 1 }, 1);
    await expect(compare(reference(), model, other, [0, 1, 1])).rejects.toThrow(
      "only models of one vocabulary",
    );
    await expect(compare(reference(), model, model, [0, 1])).rejects.toThrow("2 tokens; 3 are needed");
  });
});

it("finds the span of the highest mean, the first of equals", () => {
  const values = [0, 0, 5, 5, 9, 0];
  expect(highestSpan(values, 2)).toEqual({ begin: 3, end: 5, mean: 7 });
  expect(highestSpan([0, 0, 1, 1, 1, 1], 2)).toEqual({ begin: 2, end: 4, mean: 1 });
  expect(highestSpan([1, 1, 7], 20)).toEqual({ begin: 0, end: 3, mean: 3 });
});

it("keeps the passages that differ most, of equals the first, whatever their order", () => {
  const passages = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3].map((jsd, start): Passage => ({
    start,
    jsd,
    before: [],
    tokens: [],
  }));
  for (const order of [passages, [...passages].reverse()]) {
    let kept: readonly Passage[] = [];
    for (const passage of order) kept = withPassage(kept, passage, 4);
    expect(kept.map(({ start }) => start)).toEqual([5, 7, 4, 8]);
  }
});

it("counts every value once, around zero", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1 }), (values) => {
      const { low, width, counts } = histogram(values);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(values.length);
      expect(low + (counts.length * width) / 2).toBeCloseTo(0, 9);
      const near = values.filter((value) => Math.abs(value) < 0.499 * width).length;
      expect(counts[(counts.length - 1) / 2]).toBeGreaterThanOrEqual(near);
    }),
    { examples: [[[0]], [[Number.MIN_VALUE, 0]]] },
  );
});

it("has intervals that hold the value, the narrower the more sequences, the same for the same seed", () => {
  const values = (count: number) => Array.from({ length: count }, (_, i) => (i * 7919) % 101);
  const width = (count: number, seed: number) => {
    const all = values(count);
    const total = (times: ArrayLike<number>) =>
      all.reduce((sum, value, i) => sum + times[i] * value, 0) / count;
    const { value, interval } = new Resamples(count, seed).estimate(total);
    const { low, high } = interval ?? { low: NaN, high: NaN };
    expect(value).toBe(meanOf(all));
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
    return high - low;
  };
  // Uniform on 0 to 100 has a std of 29.2: the interval of a mean of n is 3.92·29.2/√n wide.
  expect(width(100, 1) / ((3.92 * 29.2) / 10)).toBeCloseTo(1, 0);
  expect(width(400, 1)).toBeLessThan(width(100, 1));
  expect(width(100, 1)).toBe(width(100, 1));
  expect(width(100, 1)).not.toBe(width(100, 2));
  expect(new Resamples(1).estimate(() => 3)).toEqual({ value: 3 });
});

it("is close to itself in float32", async () => {
  const [config] = fc.sample(configs, { numRuns: 1, seed: 3 });
  const [a, b] = [randomModel(config, 1), randomModel(config, 2)];
  const tokens = randomIds(config, 30, 1);
  const [double, single] = [
    await compare(reference(), a, b, tokens),
    await compare(reference({ precision: "float32" }), a, b, tokens),
  ];
  const figures = ({ loss, entropy, jsd, klAB, klBA }: Comparison) =>
    [loss.a, loss.b, entropy.a, entropy.b, jsd, klAB, klBA].map(({ value }) => value);
  expectClose("means", figures(single), figures(double), 1e-5);
});
