import { evaluate } from "@normless/autograd";
import { reference, toDType } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import { randomAt } from "@normless/random";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  forward,
  generate,
  type Gpt2Config,
  initWeights,
  type Model,
  sampleToken,
  standardNorms,
  uploadTokens,
  uploadWeights,
} from "../../src/index.js";

const config: Gpt2Config = {
  vocabSize: 31,
  blockSize: 8,
  channels: 12,
  layers: 2,
  heads: 3,
  inner: 48,
  gelu: "tanh",
  eps: 1e-5,
  tied: true,
  eot: 30,
};

function drawn() {
  const weights = initWeights(config, 3);
  for (const { data, shape } of Object.values(weights))
    if (shape.length === 2) data.forEach((w, i) => (data[i] = 12 * w));
  return weights;
}

const withParams = (params: Model["params"]): Model => ({ config, params, norms: standardNorms(config) });

async function model(): Promise<Model> {
  return withParams(await uploadWeights(reference(), drawn()));
}

async function collect(ids: AsyncIterable<number>): Promise<number[]> {
  const all: number[] = [];
  for await (const id of ids) all.push(id);
  return all;
}

/** Generation without a cache: the whole context through the model for every token. */
async function uncached(
  m: Model,
  prompt: number[],
  count: number,
  pick: (logits: Float64Array, i: number) => number,
) {
  let context = [...prompt];
  const all: number[] = [];
  for (let i = 0; i < count; i++) {
    if (context.length > config.blockSize) context = context.slice(-config.blockSize / 2);
    const T = context.length;
    const tokens = uploadTokens(m.params["wte.weight"].backend, config, {
      inputs: Int32Array.from(context),
      B: 1,
      T,
    });
    const logits = await evaluate((params) => forward({ ...m, params }, tokens), m.params).read();
    const id = pick(Float64Array.from(logits).slice((T - 1) * config.vocabSize), i);
    all.push(id);
    context.push(id);
  }
  return all;
}

describe("generation with a cache", () => {
  it("from weights in bfloat16 is what the rounded weights give, matrices alone", async () => {
    const backend = reference();
    const kept = withParams(await uploadWeights(backend, drawn(), { matrices: "bfloat16" }));
    const rounded = drawn();
    for (const { data, shape } of Object.values(rounded))
      if (shape.length === 2) data.set(toDType(data, "bfloat16"));
    const full = withParams(await uploadWeights(reference(), rounded));
    const options = { maxTokens: 20, seed: 4 };
    expect(await collect(generate(kept, [1, 2, 3], options))).toEqual(
      await collect(generate(full, [1, 2, 3], options)),
    );
    const kinds = Object.values(kept.params).map(({ shape, dtype }) => [shape.length, dtype]);
    expect(new Set(kinds.map(String))).toEqual(new Set(["1,float32", "2,bfloat16"]));
  });

  it("gives the tokens that no cache gives, past the end of the context, and frees all", async () => {
    const m = await model();
    const { backend } = m.params["wte.weight"];
    const live = backend.memory().liveBytes;
    const tokens = await collect(generate(m, [1, 30, 5], { maxTokens: 20, seed: 7 }));
    expect(backend.memory().liveBytes).toBe(live);
    const pick = (logits: Float64Array, i: number) => sampleToken(logits, randomAt(7, i).uniform());
    expect(tokens).toEqual(await uncached(m, [1, 30, 5], 20, pick));
    expect(new Set(tokens).size).toBeGreaterThan(2);
  });

  it("never gives an id that may not be drawn", async () => {
    const m = await model();
    for (const sampling of [
      { temperature: 0 },
      { temperature: 5 },
      { topK: 2 },
      { topP: 0.5, temperature: 3 },
    ]) {
      const options = { maxTokens: 12, seed: 3, ...sampling };
      const before = await collect(generate(m, [1], options));
      const drawable = (id: number) => !before.includes(id);
      const after = await collect(generate(m, [1], { ...options, drawable }));
      expect(after).toHaveLength(12);
      expect(after.every(drawable)).toBe(true);
    }
  });

  it("depends on the seed and on nothing else", async () => {
    const m = await model();
    const run = (seed: number) => collect(generate(m, [1, 2], { maxTokens: 16, seed, temperature: 1.5 }));
    expect(await run(1)).toEqual(await run(1));
    expect(await run(1)).not.toEqual(await run(2));
  });

  it("stops at the first of the ids that end a text, refuses an empty prompt and bad ids", async () => {
    const m = await model();
    const all = await collect(generate(m, [1, 2], { maxTokens: 20, seed: 5 }));
    for (const stopAt of [all[6], [all[6]], [all[9], all[6]], [all[6], all[2]]]) {
      const stopped = await collect(generate(m, [1, 2], { maxTokens: 20, seed: 5, stopAt }));
      expect(stopped).toEqual(all.slice(0, Math.min(...[stopAt].flat().map((id) => all.indexOf(id)))));
    }
    await expect(collect(generate(m, [], { maxTokens: 1 }))).rejects.toThrow(/the prompt is empty/);
    await expect(collect(generate(m, [31], { maxTokens: 1 }))).rejects.toThrow(
      /holds id 31, outside the vocabulary of 31/,
    );
    await expect(collect(generate(m, [1], { maxTokens: 1, topP: 0 }))).rejects.toThrow(/topP is 0/);
  });
});

describe("sampling", () => {
  const logits = fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { minLength: 1, maxLength: 40 });
  const uniform = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  it("greedy, top-k 1 and a tiny top-p all take the most likely token", () => {
    fc.assert(
      fc.property(logits, uniform, (row, u) => {
        const best = row.indexOf(Math.max(...row));
        expect(sampleToken(row, u, { temperature: 0 })).toBe(best);
        expect(sampleToken(row, u, { topK: 1 })).toBe(best);
        expect(sampleToken(row, u, { topP: 1e-9 })).toBe(best);
      }),
    );
  });

  it("takes only tokens among the top k, and inside the nucleus", () => {
    fc.assert(
      fc.property(logits, uniform, fc.integer({ min: 1, max: 40 }), (row, u, topK) => {
        const id = sampleToken(row, u, { topK });
        expect(row.filter((logit) => logit > row[id]).length).toBeLessThan(topK);
      }),
    );
    const row = [Math.log(0.5), Math.log(0.3), Math.log(0.2)];
    expect(sampleToken(row, 0.999, { topP: 0.7 })).toBe(1);
    expect(sampleToken(row, 0.999, { topP: 0.81 })).toBe(2);
  });

  it("is as if ids that may not be drawn were not there", () => {
    const options = fc.record(
      {
        temperature: fc.constantFrom(0, 0.5, 1, 3),
        topK: fc.integer({ min: 1, max: 40 }),
        topP: fc.double({ min: 0.01, max: 1, noNaN: true }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(logits, fc.infiniteStream(fc.boolean()), uniform, options, (row, coins, u, options) => {
        const may = row.map(() => Boolean(coins.next().value));
        may[0] ||= !may.includes(true);
        const left = row.map((_, id) => id).filter((id) => may[id]);
        const id = sampleToken(row, u, { ...options, drawable: (id) => may[id] });
        const among = sampleToken(
          left.map((id) => row[id]),
          u,
          options,
        );
        expect(id).toBe(left[among]);
      }),
      { numRuns: 1000 },
    );
    expect(() => sampleToken([1, 2], 0.5, { drawable: () => false })).toThrow(
      "drawable lets none of the 2 ids be drawn",
    );
  });

  it("follows the distribution", () => {
    const row = [Math.log(0.5), Math.log(0.3), Math.log(0.2)];
    const counts = [0, 0, 0];
    for (let i = 0; i < 1000; i++) counts[sampleToken(row, i / 1000)] += 1;
    expectClose("frequencies", counts, [500, 300, 200], 0.005);
    expect(sampleToken(row, 0.49, { temperature: 0.5 })).toBe(0);
  });
});
