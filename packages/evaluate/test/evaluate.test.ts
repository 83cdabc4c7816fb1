import { evaluate } from "@normless/autograd";
import { forward, freeTokens, type Model, standardNorms, uploadTokens, uploadWeights } from "@normless/gpt2";
import { wasm } from "@normless/tensor-wasm";
import { randomAt } from "@normless/random";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type ChoiceRow,
  choiceTokens,
  cutRow,
  evaluateTokens,
  scoreChoices,
  scoreLastWords,
  validationLoss,
} from "../src/index.js";
import { meanOf } from "@normless/statistics";
import { config, tokens, weights } from "@normless/gpt2/testing";

let backend: Awaited<ReturnType<typeof wasm>>;
let model: Model;
beforeAll(async () => {
  backend = await wasm({ threads: 1 });
  // Larger weights than fresh ones have, so that predictions differ.
  const sharp = Object.entries(weights).map(([name, { shape, data }]) => {
    return [name, { shape, data: data.map((x) => (shape.length > 1 ? 8 * x : x)) }] as const;
  });
  model = {
    config,
    norms: standardNorms(config),
    params: await uploadWeights(backend, Object.fromEntries(sharp)),
  };
});
afterAll(() => backend.dispose());

async function result<X>(work: AsyncGenerator<number, X>): Promise<{ value: X; done: number }> {
  let done = 0;
  for (;;) {
    const next = await work.next();
    if (next.done) return { value: next.value, done };
    done = next.value;
  }
}

/** The logits after each id of one row, without padding or cache. */
async function logitRows(ids: readonly number[]): Promise<number[][]> {
  const uploaded = uploadTokens(backend, config, { inputs: Int32Array.from(ids), B: 1, T: ids.length });
  const logits = evaluate((params) => forward({ ...model, params }, uploaded), model.params);
  const values = await logits.read();
  logits.free();
  freeTokens(uploaded);
  const { vocabSize: V } = config;
  return ids.map((_, t) => [...values.subarray(t * V, (t + 1) * V)]);
}

/** For each id but the first: its nats, and whether it is the likeliest. */
async function naive(ids: readonly number[]): Promise<{ nats: number; likeliest: boolean }[]> {
  const rows = await logitRows(ids.slice(0, -1));
  return rows.map((row, t) => {
    const logit = row[ids[t + 1]];
    const nats = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - logit;
    return { nats, likeliest: logit === Math.max(...row) };
  });
}

async function likeliestAfter(ids: readonly number[]): Promise<number> {
  const row = (await logitRows(ids)).at(-1) ?? [];
  return row.indexOf(Math.max(...row));
}

describe("evaluateTokens", () => {
  const text = tokens(300, 4);
  const sizes = { batchSize: 3, blockSize: 16 };

  it("keeps the nats of every target, and of each sequence", async () => {
    const live = backend.memory().liveBytes;
    const { value, done } = await result(evaluateTokens(model, text, sizes));
    expect(done).toBe(299);
    expect(value.nats).toHaveLength(299);
    const expected: number[] = [];
    for (let first = 0; first < 299; first += 16) {
      const row = await naive([...text.subarray(first, first + 17)]);
      expected.push(...row.map(({ nats }) => nats));
    }
    expected.forEach((nats, i) => expect(value.nats[i]).toBeCloseTo(nats, 4));
    expect(value.sequences.counts).toEqual([...Array.from({ length: 18 }, () => 16), 11]);
    const first = value.nats.subarray(0, 16).reduce((a, b) => a + b);
    expect(value.sequences.sums[0]).toBeCloseTo(first, 4);
    // The mean is the validation loss of a run.
    const { value: loss } = await result(validationLoss(model, text, sizes));
    expect(meanOf(value.sequences)).toBeCloseTo(loss, 5);
    expect(backend.memory().liveBytes).toBe(live);
  });

  it("leaves out targets that are end-of-text, but reads them", async () => {
    const { value: all } = await result(evaluateTokens(model, text, sizes));
    const { value: rest } = await result(evaluateTokens(model, text, { ...sizes, eotTargets: false }));
    const kept = [...all.nats].filter((_, i) => text[i + 1] !== config.eot);
    expect(kept.length).toBeLessThan(299);
    expect([...rest.nats]).toEqual(kept);
    expect(Array.from(rest.sequences.counts).reduce((a, b) => a + b)).toBe(kept.length);
    const nameless = { ...model, config: { ...config, eot: undefined } };
    const refused = evaluateTokens(nameless, text, { ...sizes, eotTargets: false });
    await expect(refused.next()).rejects.toThrow("names no end-of-text");
  });
});

const ids = (count: number, seed: number) => [...tokens(count + 1, seed)].slice(1);
const rowArbitrary = fc
  .tuple(fc.integer({ min: 1, max: 14 }), fc.integer({ min: 1, max: 6 }), fc.nat(1e6))
  .map(([context, ending, seed]): ChoiceRow => {
    const all = ids(context + ending, seed);
    return { context: all.slice(0, context), ending: all.slice(context) };
  });

describe("scoreChoices", () => {
  it("gives each row of a padded batch what it has alone, in any order and batch size", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(rowArbitrary, { minLength: 1, maxLength: 7 }),
        fc.integer({ min: 1, max: 4 }),
        async (rows, batchSize) => {
          const { value: scores, done } = await result(scoreChoices(model, rows, { batchSize }));
          expect(done).toBe(choiceTokens(rows, config.blockSize));
          for (const [i, row] of rows.entries()) {
            const { tokens, scored } = cutRow(row, config.blockSize);
            const alone = (await naive(tokens)).slice(-scored);
            expect(scores[i].tokens).toBe(scored);
            const sum = alone.reduce((total, { nats }) => total + nats, 0);
            expect(scores[i].nats).toBeCloseTo(sum, 3);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  it("cuts a row that is longer than the context at its beginning", () => {
    const row = { context: ids(30, 1), ending: ids(4, 2) };
    const cut = cutRow(row, 16);
    expect(cut).toEqual({ tokens: [...row.context.slice(-13), ...row.ending], scored: 4, cut: true });
    // Of an ending that is longer itself, what the model can be asked for.
    const long = { context: [1], ending: ids(40, 3) };
    expect(cutRow(long, 16)).toEqual({ tokens: long.ending.slice(-17), scored: 16, cut: true });
    expect(cutRow({ context: [1], ending: ids(16, 3) }, 16).cut).toBe(false);
    expect(() => cutRow({ context: [], ending: [1] }, 16)).toThrow(
      "a context of 0 and an ending of 1 tokens",
    );
  });
});

describe("scoreLastWords", () => {
  it("gives the nats of the words and whether greedy decoding writes them", async () => {
    const live = backend.memory().liveBytes;
    const random = randomAt(9);
    const rows: ChoiceRow[] = [];
    for (let i = 0; i < 12; i++) {
      const context = ids(1 + random.below(18), 20 + i);
      // Words of one or two tokens; those of the first half are what the model likes best.
      const length = 1 + (i % 2);
      const ending = ids(length, 90 + i);
      for (let at = 0; at < length && i < 6; at++) {
        const visible = [...context, ...ending.slice(0, at)].slice(at - length - 15);
        ending[at] = await likeliestAfter(visible.slice(0, 16));
      }
      rows.push({ context, ending });
    }
    const { value: scores } = await result(scoreLastWords(model, rows));
    for (const [i, row] of rows.entries()) {
      const { tokens, scored } = cutRow(row, config.blockSize);
      const alone = (await naive(tokens)).slice(-scored);
      expect(scores[i].tokens).toBe(row.ending.length);
      expect(scores[i].nats).toBeCloseTo(
        alone.reduce((sum, { nats }) => sum + nats, 0),
        3,
      );
      expect(scores[i].greedy).toBe(alone.every(({ likeliest }) => likeliest));
    }
    const greedy = scores.filter(({ greedy }) => greedy).length;
    expect(greedy).toBeGreaterThan(2);
    expect(greedy).toBeLessThan(12);
    expect(backend.memory().liveBytes).toBe(live);
  });
});
