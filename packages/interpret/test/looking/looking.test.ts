/** What is told of lenses, attributions, heads and patches for people to look at, against naive forms of the same. */
import { foldModel, type Gpt2Config, type HostModel, type Model } from "@normless/gpt2";
import {
  configsFrom,
  config as tiny,
  frozenModel,
  onDevice,
  randomIds,
  randomModel,
  seeds,
} from "@normless/gpt2/testing";
import { reference } from "@normless/tensor";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  activationPatching,
  attribute,
  headTokens,
  lensTokens,
  logitDifference,
  logitLens,
  matchingNames,
  meanAttribution,
  normalisedPatches,
} from "../../src/index.js";
import { largest } from "../../src/parts/lens-tokens.js";

const configs = configsFrom(2);
const backend = reference();

function three(config: Gpt2Config, seed: number): HostModel[] {
  const frozen = frozenModel(config, seed);
  return [randomModel(config, seed), frozen, foldModel(frozen)];
}

const forAny = (property: (model: Model, ids: number[]) => Promise<void>, numRuns = 8) =>
  fc.assert(
    fc.asyncProperty(configs, seeds, async (config, seed) => {
      for (const host of three(config, seed)) {
        await property(await onDevice(backend, host), randomIds(config, config.blockSize, seed));
      }
    }),
    { numRuns },
  );

it("the largest values are those of a sort", () => {
  const values = fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true })), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 40 }), (list, count) => {
      const sorted = list.map((_, i) => i).sort((a, b) => list[b] - list[a] || a - b);
      expect(largest(Float64Array.from(list), count)).toEqual(sorted.slice(0, count));
    }),
  );
});

it("a lens in tokens ends with what the model predicts, and its probabilities are a softmax", () =>
  forAny(async (model, ids) => {
    const V = model.config.vocabSize;
    const lens = await logitLens(model, ids, { positions: [0, -1] });
    const { tokens, rows } = lensTokens(lens, { top: V });
    const { token, probability } = await attribute(model, ids);
    expect(tokens[1]).toBe(token);
    const last = rows[rows.length - 1].cells[1];
    expect(last.top[0].token).toBe(token);
    expect(last.rank).toBe(0);
    expect(last.probability).toBeCloseTo(probability, 8);
    for (const [r, { cells }] of rows.entries()) {
      for (const [p, cell] of cells.entries()) {
        const logits = [...lens.rows[r].logits.subarray(p * V, (p + 1) * V)];
        const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
        for (const one of cell.top)
          expect(one.probability).toBeCloseTo(Math.exp(logits[one.token]) / total, 8);
        expect(cell.top.reduce((sum, one) => sum + one.probability, 0)).toBeCloseTo(1, 8);
        expect(cell.logit).toBe(logits[tokens[p]]);
        expect(cell.top.findIndex((one) => one.token === tokens[p])).toBeGreaterThanOrEqual(cell.rank);
      }
    }
  }));

it("what a head writes is told key by key, and comes to what attribution says of it", () =>
  forAny(async (model, ids) => {
    const V = model.config.vocabSize;
    const query = ids.length - 2;
    const place = { layer: model.config.layers - 1, head: 0 };
    const { whole, keys, pattern } = await headTokens(model, ids, { ...place, query, top: V });
    const T = ids.length;
    expect(keys).toHaveLength(query + 1);
    for (let q = 0; q < T; q++) {
      const row = pattern.subarray(q * T, (q + 1) * T);
      expect(row.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 8);
      expect([...row.subarray(q + 1)].every((share) => share === 0)).toBe(true);
    }
    const token = ids[0];
    const of = ({ most }: typeof whole) => most.find((one) => one.token === token)?.logit ?? NaN;
    const { parts } = await attribute(model, ids, { position: query, token });
    const head = parts.find(({ layer, head: h }) => layer === place.layer && h === 0);
    expect(of(whole)).toBeCloseTo(head?.overMean ?? NaN, 7);
    expect(keys.reduce((sum, key) => sum + of(key), 0)).toBeCloseTo(of(whole), 7);
    expect(whole.least.map((one) => one.token)).toEqual(whole.most.map((one) => one.token).reverse());
  }));

describe("means over prompts", () => {
  it("add up to the mean difference, whose interval they are around", () =>
    forAny(async (model, ids) => {
      const options = { token: 1, versus: 0 };
      const all = [];
      for (let n = 1; n <= ids.length; n++) all.push(await attribute(model, ids.slice(0, n), options));
      const { parts, logit, prompts, above } = meanAttribution(all);
      expect(prompts).toBe(ids.length);
      const naive = all.reduce((sum, one) => sum + one.logit, 0) / all.length;
      expect(logit.value).toBeCloseTo(naive, 10);
      expect(parts.reduce((sum, part) => sum + part.logit.value, 0)).toBeCloseTo(naive, 7);
      expect(above).toBe(all.filter((one) => one.logit > 0).length / all.length);
      if (logit.interval) {
        expect(logit.interval.low).toBeLessThanOrEqual(naive + 1e-12);
        expect(logit.interval.high).toBeGreaterThanOrEqual(naive - 1e-12);
      }
    }, 4));

  it("are of the same parts, and of some", async () => {
    const model = await onDevice(backend, randomModel(tiny, 1));
    expect(() => meanAttribution([])).toThrow("there is no attribution");
    const [whole, neurons] = [
      await attribute(model, [1, 2]),
      await attribute(model, [1, 2], { neurons: true }),
    ];
    expect(() => meanAttribution([whole, neurons])).toThrow("not of the same parts");
  });
});

it("patches are put on a scale from the corrupted prompt to the clean one", async () => {
  const model = await onDevice(backend, randomModel(tiny, 2));
  const pair = { clean: [1, 2, 3], corrupted: [1, 4, 3] };
  const at = { at: "hook_resid_pre", layers: [0] } as const;
  const patching = await activationPatching(model, pair, logitDifference(5, 6), at);
  const scaled = normalisedPatches(patching);
  // What differs is the second token alone: its embedding brings all back.
  expect(scaled[0]).toBeCloseTo(0, 10);
  expect(scaled[1]).toBeCloseTo(1, 10);
  const same = await activationPatching(
    model,
    { clean: [1, 2], corrupted: [1, 2] },
    logitDifference(5, 6),
    at,
  );
  expect(() => normalisedPatches(same)).toThrow("nothing to bring back");
});

it("names are found by patterns for any part, and what is not there is answered with the nearest", () => {
  const model = randomModel(tiny, 1);
  expect(matchingNames(model, ["blocks.*.attn.hook_z", "hook_embed", "blocks.1.ln*"])).toEqual([
    "hook_embed",
    "blocks.0.attn.hook_z",
    "blocks.1.ln1.hook_scale",
    "blocks.1.ln1.hook_normalized",
    "blocks.1.attn.hook_z",
    "blocks.1.ln2.hook_scale",
    "blocks.1.ln2.hook_normalized",
  ]);
  expect(matchingNames(model, ["*.hook_resid_post"])).toHaveLength(tiny.layers);
  // A dot is a dot.
  expect(() => matchingNames(model, ["blocks*0xhook_z"])).toThrow(/there is no hook .*Nearest: /);
  expect(() => matchingNames(model, ["blocks.*.attn.hook_patern"])).toThrow("blocks.*.attn.hook_pattern");
  expect(() => matchingNames(model, ["blocks.0.hook_residpre"])).toThrow("blocks.0.hook_resid_pre");
  expect(() => matchingNames(foldModel(frozenModel(tiny, 1)), ["blocks.0.ln1.hook_scale"])).toThrow("folded");
});
