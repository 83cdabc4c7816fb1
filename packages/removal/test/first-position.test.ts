/** How large the first position is, and what a run says of it before its first update. */
import { type HostModel, type WeightsInMemory, standardNorms, uploadWeights } from "@normless/gpt2";
import { reference } from "@normless/tensor";
import { wasm } from "@normless/tensor-wasm";
import { batchAt } from "@normless/text";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  describeFirstPosition,
  laterAttention,
  measureFirstPosition,
  removalRecipes,
  removeLayerNorm,
  type RunEvent,
  SINK_RATIO,
  sinkWarning,
} from "../src/index.js";
import { middleModules } from "../src/validation/first-position.js";
import { naivePass } from "@normless/gpt2/testing";
import { config, corpus, weights as fresh } from "@normless/gpt2/testing";
import { recipe } from "../src/testing/index.js";

/** Position 0 with an embedding that is so many times as large. */
function withFirst(times: number): WeightsInMemory {
  const { shape, data } = fresh["wpe.weight"];
  const scaled = data.map((value, i) => (i < config.channels ? times * value : value));
  return { ...fresh, "wpe.weight": { shape, data: scaled } };
}

/**
 * By plain loops, by module: mean std at position 0 over that at all others but end-of-text; and by layer, mean attention to
 * position 0 of all queries but its own.
 */
function naive(model: HostModel<WeightsInMemory>): { ratios: Record<string, number>; attention: number[] } {
  const { blockSize: T, seed } = recipe;
  const { inputs } = batchAt({ tokens: corpus.train, batchSize: 4, blockSize: T, seed, step: 0 });
  const sums: Record<string, { first: number[]; rest: number[] }> = {};
  const attention: number[][] = Array.from({ length: config.layers }, () => []);
  for (let row = 0; row < 4; row++) {
    const ids = [...inputs.subarray(row * T, (row + 1) * T)];
    const pass = naivePass(model, ids);
    pass.attention.forEach((heads, layer) => {
      for (const queries of heads) attention[layer].push(...queries.slice(1).map(([first]) => first));
    });
    for (const [module, rows] of Object.entries(pass.residuals)) {
      sums[module] ??= { first: [], rest: [] };
      rows.forEach((x, t) => {
        const mean = x.reduce((a, b) => a + b) / x.length;
        const std = Math.sqrt(x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length + config.eps);
        if (t === 0) sums[module].first.push(std);
        else if (ids[t] !== config.eot) sums[module].rest.push(std);
      });
    }
  }
  const meanOf = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
  const ratios = Object.entries(sums).map(([module, { first, rest }]) => [
    module,
    meanOf(first) / meanOf(rest),
  ]);
  return { ratios: Object.fromEntries(ratios) as Record<string, number>, attention: attention.map(meanOf) };
}

describe("the first position's share", () => {
  it("is that of plain loops, whatever the micro-batch", async () => {
    const norms = standardNorms(config);
    for (const [times, microBatchSize] of [
      [1, 4],
      [30, 3],
    ]) {
      const weights = withFirst(times);
      const model = { config, norms, params: await uploadWeights(reference(), weights) };
      const asked = { ...recipe, microBatchSize };
      const event = await measureFirstPosition(model, { recipe: asked, train: corpus.train });
      const { ratios: expected, attention } = naive({ config, norms, weights });
      expect(Object.keys(event!.ratios)).toEqual(Object.keys(expected));
      for (const [module, ratio] of Object.entries(expected))
        expect(event!.ratios[module]).toBeCloseTo(ratio, 5);
      // Of two layers both are in the middle: the mean of the middle two of four.
      const [, low, high] = middleModules(config)
        .map((module) => expected[module])
        .sort((a, b) => a - b);
      expect(event!.ratio).toBeCloseTo((low + high) / 2, 5);
      expect(event!.sink).toBe(event!.ratio >= SINK_RATIO);
      for (const { layer, share } of event!.attention) expect(share).toBeCloseTo(attention[layer], 5);
      expect(event!.attention).toHaveLength(config.layers);
      // The second of two layers is the later half.
      expect(laterAttention(event!.attention)).toBe(event!.attention[1].share);
    }
  });

  it("is not there where every token is a first one", async () => {
    const model = { config, norms: standardNorms(config), params: await uploadWeights(reference(), fresh) };
    const asked = { ...recipe, blockSize: 1 };
    expect(await measureFirstPosition(model, { recipe: asked, train: corpus.train })).toBeUndefined();
  });
});

it("the middle layers are the middle half, of any number", () => {
  const layers = (count: number) => [
    ...new Set(middleModules({ layers: count }).map((m) => Number(m.split(".")[1]))),
  ];
  expect(layers(1)).toEqual([0]);
  expect(layers(6)).toEqual([1, 2, 3, 4]);
  expect(layers(12)).toEqual([3, 4, 5, 6, 7, 8]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), (count) => {
      const middle = layers(count);
      expect(middleModules({ layers: count })).toHaveLength(2 * middle.length);
      expect(middle.at(-1)!).toBeLessThan(count);
      expect(middle.length).toBeGreaterThanOrEqual(count / 2);
      expect(middle.length).toBeLessThanOrEqual(count / 2 + 2);
    }),
  );
});

describe("a run", () => {
  const fails = { how: "it takes twice as long", instead: "distilled" };

  async function told(times: number, failsOnSink?: typeof fails): Promise<RunEvent[]> {
    const backend = await wasm({ threads: 1 });
    const events: RunEvent[] = [];
    const model = { config, weights: withFirst(times) };
    const asked = { ...recipe, failsOnSink };
    for await (const event of removeLayerNorm({ backend, model, corpus, recipe: asked })) {
      if (event.type === "step") break;
      events.push(event);
    }
    await backend.dispose();
    return events;
  }
  const eventOf = (events: readonly RunEvent[]) => events.find((event) => event.type === "first-position")!;

  it("tells it before its first update", async () => {
    const event = eventOf(await told(1));
    expect(event).toMatchObject({ sink: false });
    expect(describeFirstPosition(event)).toMatch(
      /^the first position's std is [\d.]+ times .* middle layers, and [\d.]+ % of the later layers' attention goes there$/,
    );
    expect(sinkWarning(event, recipe)).toBeUndefined();
  });

  it("of a recipe that does badly on a sink says so there, and there alone", async () => {
    expect(eventOf(await told(1, fails)).fails).toBeUndefined();
    expect(eventOf(await told(200)).fails).toBeUndefined();
    const event = eventOf(await told(200, fails));
    expect(event).toMatchObject({ sink: true, fails });
    expect(describeFirstPosition(event)).toMatch(/: a sink$/);
    expect(sinkWarning(event, recipe)).toBe(
      "tiny does badly on a model with a sink: it takes twice as long. Take distilled there",
    );
  });
});

it("the recipes that fail on a sink name one that does not", () => {
  const failing = Object.values(removalRecipes).flatMap(({ failsOnSink }) =>
    failsOnSink ? [failsOnSink] : [],
  );
  for (const { instead } of failing) {
    expect(Object.keys(removalRecipes)).toContain(instead);
    expect(removalRecipes[instead].failsOnSink).toBeUndefined();
  }
});
