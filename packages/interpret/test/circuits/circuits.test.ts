/** QK and OV circuits on texts: pairs of parts add up to the scores, parts at keys to what a head writes for a logit. */
import { add } from "@normless/autograd";
import { foldModel, type HostModel, type Model } from "@normless/gpt2";
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
import { engines } from "../engines.js";
import {
  attribute,
  decompose,
  type HooksByName,
  logitDifference,
  runWithCache,
  runWithGradients,
  scorePairs,
  tokenLogits,
  tokenScores,
  valueParts,
} from "../../src/index.js";

const configs = configsFrom(2);
const sumOf = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);

describe.each(engines)("on %s, for any model", (_, make, tolerance) => {
  const check = async (
    property: (model: Model, ids: number[], exact: boolean, seed: number) => Promise<void>,
  ) => {
    const backend = await make();
    await fc.assert(
      fc.asyncProperty(configs, seeds, async (config, seed) => {
        const frozen = frozenModel(config, seed);
        const hosts: HostModel[] = [randomModel(config, seed), frozen, foldModel(frozen)];
        for (const [i, host] of hosts.entries()) {
          const model = await onDevice(backend, host);
          await property(model, randomIds(config, config.blockSize, seed), i > 0, seed);
          for (const param of Object.values(model.params)) param.free();
        }
      }),
      { numRuns: 15 },
    );
    await backend.dispose();
  };

  it("pairs of parts add up to the score that the model has", () =>
    check(async (model, ids, exact, seed) => {
      const { layers, heads } = model.config;
      const [layer, head] = [seed % layers, (seed >>> 2) % heads];
      const T = ids.length;
      using run = runWithCache(model, ids, [`blocks.${layer}.attn.hook_attn_scores`]);
      const scores = await run.cache[`blocks.${layer}.attn.hook_attn_scores`].read();
      for (let query = 0; query < T; query++) {
        const key = seed % (query + 1);
        const found = await scorePairs(model, ids, { layer, head, query, key });
        expect(found).toMatchObject({ exact, query, key });
        expect(found.relativeDifference).toBeLessThan(tolerance);
        const score = scores[(head * T + query) * T + key];
        expect(Math.abs(found.score - score)).toBeLessThan(tolerance * Math.max(1, Math.abs(score)) * 10);
        expect(found.pairs).toHaveLength(found.parts.length ** 2);
        if (exact) expect(found.offBy).toBe(0);
      }
    }));

  it("parts at keys add up to what the head writes for a logit, its share of the bias too", () =>
    check(async (model, ids, exact, seed) => {
      const { layers, heads } = model.config;
      const [layer, head] = [seed % layers, (seed >>> 2) % heads];
      const found = await valueParts(model, ids, { layer, head, token: 0, versus: 1 });
      expect(found.exact).toBe(exact);
      expect(found.relativeDifference).toBeLessThan(tolerance);
      expect(sumOf(found.pattern)).toBeCloseTo(1, 5);
      // Without the biases of the values it is the head's part in the attribution.
      const P = found.parts.length;
      const constant = sumOf(found.logits.filter((_, n) => n % P === P - 1));
      const whole = (await attribute(model, ids, { token: 0, versus: 1 })).parts;
      const { logit } = whole.find(({ name }) => name === `h.${layer}.attn.${head}`)!;
      const scale = Math.max(...found.logits.map(Math.abs), Math.abs(found.total), 1e-3);
      expect(Math.abs(found.total - constant - logit)).toBeLessThan(20 * tolerance * scale);
    }));
});

describe("scorePairs", () => {
  it("tells how far off parts are behind a LayerNorm: leaving one out changes the std, as a run without it shows", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 6));
    const { backend } = model.params["wte.weight"];
    const ids = randomIds(tiny, 5, 6);
    const found = await scorePairs(model, ids, { layer: 1, head: 1, query: 4, key: 2 });
    const { positions } = await decompose(model, ids, { at: "blocks.1.hook_resid_pre" });
    const P = found.parts.length;
    let [error, effect] = [0, 0];
    for (const t of [4, 2]) {
      for (const [i, { values }] of positions[t].parts.entries()) {
        const rows = new Float32Array(5 * tiny.channels);
        rows.set(
          values.map((x) => -x),
          t * tiny.channels,
        );
        using away = backend.upload(rows, [1, 5, tiny.channels]);
        const hooks: HooksByName = { "blocks.1.hook_resid_pre": (x) => add(x, away) };
        using run = runWithCache(model, ids, ["blocks.1.attn.hook_attn_scores"], { hooks });
        const score = (await run.cache["blocks.1.attn.hook_attn_scores"].read())[(1 * 5 + 4) * 5 + 2];
        const own = found.pairs.filter((_, n) => (t === 4 ? Math.floor(n / P) : n % P) === i);
        error += Math.abs(sumOf(own) - (found.score - score));
        effect += Math.abs(found.score - score);
      }
    }
    expect(found.offBy).toBeCloseTo(error / effect, 5);
    expect(found.offBy).toBeGreaterThan(0.01);
  });

  it("refuses an exact form behind a LayerNorm, a key after the query, and a head that is not there", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 6));
    const at = { layer: 0, head: 0, key: 0 };
    await expect(scorePairs(model, [1, 2], { ...at, exact: true })).rejects.toThrow(
      "scorePairs: there is no exact form here, since the norm at h.0.ln_1:qk is standard",
    );
    await expect(scorePairs(model, [1, 2], { ...at, query: 0, key: 1 })).rejects.toThrow(
      "key 1 comes after query 0",
    );
    await expect(scorePairs(model, [1, 2], { ...at, head: 2 })).rejects.toThrow(
      "scorePairs: there is no head 0.2; the model has blocks 0 to 1 with heads 0 to 1",
    );
    await expect(scorePairs(model, [1, 2], { ...at, key: 5 })).rejects.toThrow(
      "position 5 is outside the prompt",
    );
  });
});

describe("valueParts", () => {
  it("tells how far off parts are behind LayerNorms, as runs without them at their keys show", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 7));
    const { backend } = model.params["wte.weight"];
    const ids = randomIds(tiny, 3, 7);
    const [C, D, head] = [tiny.channels, tiny.channels / tiny.heads, 1];
    const found = await valueParts(model, ids, { layer: 0, head, token: 4, versus: 5, query: 2 });
    const metric = logitDifference(4, 5, { position: 2 });
    const { positions } = await decompose(model, ids, { at: "blocks.0.hook_resid_pre" });
    const projection = await model.params["h.0.attn.c_proj.weight"].read();
    /** The head's value at a key, with a vector taken off the residual there. */
    const valueAt = async (key: number, away: ArrayLike<number>) => {
      const rows = new Float32Array(3 * C);
      rows.set(
        Array.from(away, (x) => -x),
        key * C,
      );
      using change = backend.upload(rows, [1, 3, C]);
      const hooks: HooksByName = { "blocks.0.hook_resid_pre": (x) => add(x, change) };
      using run = runWithCache(model, ids, ["blocks.0.attn.hook_v"], { hooks });
      return [...(await run.cache["blocks.0.attn.hook_v"].read())].slice(
        key * C + head * D,
        key * C + head * D + D,
      );
    };
    /** The metric with a vector taken off the last residual at the query. */
    const without = async (away: readonly number[]) => {
      const rows = new Float32Array(3 * C);
      rows.set(
        away.map((x) => -x),
        2 * C,
      );
      using change = backend.upload(rows, [1, 3, C]);
      const hooks: HooksByName = { "blocks.1.hook_resid_post": (x) => add(x, change) };
      using run = runWithGradients(model, ids, [], metric, { hooks });
      return run.value.item();
    };
    const whole = await without([]);
    let [error, effect] = [0, 0];
    for (const { position: key, parts } of positions) {
      const value = await valueAt(key, []);
      for (const [i, { values }] of parts.entries()) {
        const rest = await valueAt(key, values);
        const change = Array.from({ length: C }, (_, c) =>
          value.reduce(
            (sum, x, d) => sum + found.pattern[key] * (x - rest[d]) * projection[(head * D + d) * C + c],
            0,
          ),
        );
        const direct = whole - (await without(change));
        error += Math.abs(found.logits[key * found.parts.length + i] - direct);
        effect += Math.abs(direct);
      }
    }
    expect(found.offBy).toBeCloseTo(error / effect, 4);
    expect(found.offBy).toBeGreaterThan(0.01);
  });

  it("refuses an exact form behind a LayerNorm, and a token that is not there", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 7));
    await expect(valueParts(model, [1, 2], { layer: 0, head: 1, token: 4, exact: true })).rejects.toThrow(
      "valueParts: there is no exact form here, since the norm at h.0.ln_1:v is standard",
    );
    await expect(valueParts(model, [1, 2], { layer: 0, head: 1, token: 99 })).rejects.toThrow(
      "token 99 is outside",
    );
  });
});

describe("circuits of tokens", () => {
  it("are what pairs and values of texts have of embeddings, for any model without LayerNorm", async () => {
    await fc.assert(
      fc.asyncProperty(configs, seeds, async (config, seed) => {
        const [layer, head] = [seed % config.layers, (seed >>> 2) % config.heads];
        const ids = randomIds(config, config.blockSize, seed);
        const frozen = frozenModel(config, seed);
        for (const host of [frozen, foldModel(frozen)]) {
          const model = await onDevice(reference(), host);
          const [query, key] = [ids.length - 1, Math.min(1, ids.length - 1)];
          const pairs = await scorePairs(model, ids, { layer, head, query, key });
          const scores = await tokenScores(model, { layer, head, token: ids[query] });
          expect(scores).toHaveLength(config.vocabSize);
          // The first part at each place is its token's embedding.
          expect(scores[ids[key]]).toBeCloseTo(pairs.pairs[0], 8);
          const values = await valueParts(model, ids, { layer, head, token: 0, versus: 1 });
          const logits = await tokenLogits(model, { layer, head, token: ids[key] });
          const share = values.logits[key * values.parts.length];
          expect(values.pattern[key] * (logits[0] - logits[1])).toBeCloseTo(share, 8);
        }
      }),
      { numRuns: 15 },
    );
  });

  it("are refused behind a LayerNorm, with what can be asked for", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 1));
    for (const circuit of [tokenScores, tokenLogits]) {
      await expect(circuit(model, { layer: 0, head: 0, token: 1 })).rejects.toThrow(
        "take a model whose norms are frozen or folded",
      );
      await expect(circuit(model, { layer: 0, head: 0, token: 61 })).rejects.toThrow(
        "token 61 is outside the vocabulary",
      );
      await expect(circuit(model, { layer: 5, head: 0, token: 1 })).rejects.toThrow("there is no head 5.0");
    }
  });
});
