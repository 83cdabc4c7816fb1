/** Attribution: the parts of the logits, against a naive pass; the direct effect by leaving a head out. */
import { foldModel, type HostModel, replaceNorm, type WeightsInMemory } from "@normless/gpt2";
import { frozenNorm } from "@normless/layernorm";
import { reference } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import { wasm } from "@normless/tensor-wasm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attribute, attributionError } from "../../src/index.js";
import {
  configsFrom,
  frozenModel,
  inMemory,
  linear,
  minus,
  naiveHead,
  naivePass,
  onDevice,
  positionOf,
  randomIds,
  randomModel,
  seeds,
} from "@normless/gpt2/testing";

/** A prediction of one token alone, or a text of one, has nothing to be measured. */
const configs = configsFrom(2);

const sumOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const meanOf = (values: readonly number[]) => sumOf(values) / values.length;

async function last<X>(steps: AsyncGenerator<unknown, X>): Promise<X> {
  for (;;) {
    const { done, value } = await steps.next();
    if (done) return value;
  }
}

/** What a head writes at a position, its value bias and ln_1's beta taken out, from the definitions. */
function headWrites(
  model: HostModel<WeightsInMemory>,
  ids: readonly number[],
  layer: number,
  head: number,
): number[] {
  const { channels: C, heads: H } = model.config;
  const D = C / H;
  const output = naivePass(model, ids).heads[layer][head][ids.length - 1];
  // Values of a residual that the norm makes to nothing but beta: what does not depend on the text.
  const beta = [...model.weights[`h.${layer}.ln_1.bias`].data];
  const constant = linear(model, beta, `h.${layer}.attn.c_attn`).slice(
    2 * C + head * D,
    2 * C + (head + 1) * D,
  );
  const { data } = model.weights[`h.${layer}.attn.c_proj.weight`];
  return Array.from({ length: C }, (_, c) =>
    sumOf(minus(output, constant).map((value, d) => value * data[(head * D + d) * C + c])),
  );
}

describe("attribute", () => {
  it("has parts that sum to the logit, whatever the norms: standard, frozen, folded", async () => {
    await fc.assert(
      fc.asyncProperty(configs, seeds, async (config, seed) => {
        const ids = randomIds(config, config.blockSize, seed);
        const token = seed % config.vocabSize;
        const frozen = frozenModel(config, seed);
        for (const [model, exact] of [
          [randomModel(config, seed), false],
          [frozen, true],
          [await inMemory(foldModel(frozen)), true],
        ] as const) {
          const found = await attribute(await onDevice(reference(), model), ids, { token });
          const logits = naivePass(model, ids).logits[ids.length - 1];
          // Parts come in float32, and may be much larger than what is left of them in the sum.
          const scale = Math.max(...logits.map(Math.abs), ...found.parts.map(({ logit }) => Math.abs(logit)));
          expect(found).toMatchObject({ token, exact });
          expect(found.relativeDifference).toBeLessThan(1e-12);
          expect(Math.abs(found.logit - logits[token])).toBeLessThan(1e-6 * scale);
          expect(Math.abs(sumOf(found.parts.map(({ logit }) => logit)) - logits[token])).toBeLessThan(
            1e-6 * scale,
          );
          const overMean = sumOf(found.parts.map((part) => part.overMean));
          expect(Math.abs(overMean - (logits[token] - meanOf(logits)))).toBeLessThan(1e-6 * scale);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("has the same parts in a frozen model and its fold", async () => {
    await fc.assert(
      fc.asyncProperty(configs, seeds, async (config, seed) => {
        const ids = randomIds(config, config.blockSize, seed);
        const frozen = frozenModel(config, seed);
        const parts = async (model: HostModel) =>
          (await attribute(await onDevice(reference(), model), ids, { token: 1 })).parts;
        const [a, b] = [await parts(frozen), await parts(foldModel(frozen))];
        expect(a.map(({ name }) => name)).toEqual(b.map(({ name }) => name));
        expectClose(
          "parts",
          a.map(({ logit }) => logit),
          b.map(({ logit }) => logit),
          1e-4,
        );
      }),
      { numRuns: 40 },
    );
  });

  it("takes each head for what it writes, through the frozen norm and the unembedding", async () => {
    const config = { ...tiny, layers: 2 };
    const model = frozenModel(config, 3);
    const ids = randomIds(config, 5, 4);
    const { parts } = await attribute(await onDevice(reference(), model), ids, { token: 2 });
    const none = naiveHead(model, new Array<number>(config.channels).fill(0), "rest")[2];
    for (const { kind, layer = 0, head = 0, logit } of parts) {
      if (kind !== "head") continue;
      const alone = naiveHead(model, headWrites(model, ids, layer, head), "rest")[2] - none;
      expect(logit).toBeCloseTo(alone, 9);
    }
    expect(parts.filter(({ kind }) => kind === "head")).toHaveLength(2 * config.heads);
    expect(parts.slice(0, 6).map(({ name }) => name)).toEqual([
      "token",
      "position",
      "h.0.attn.0",
      "h.0.attn.1",
      "h.0.attn.bias",
      "h.0.mlp",
    ]);
  });

  it("takes a position's own constant where the last norm has one", async () => {
    const std = { first: 3, eot: 0.5, rest: 1 };
    const frozen = frozenModel(tiny, 5);
    const model = { ...frozen, norms: replaceNorm(frozen.norms, "ln_f", frozenNorm(std)) };
    for (const ids of [[2], [2, tiny.eot], [2, 3]]) {
      const { logit } = await attribute(await onDevice(reference(), model), ids, { token: 1 });
      expect(logit).toBeCloseTo(naivePass(model, ids).logits[ids.length - 1][1], 9);
    }
  });

  it("takes the likeliest token when none is given, and says so of a given one", async () => {
    const model = randomModel(tiny, 7);
    const ids = randomIds(tiny, 4, 1);
    const logits = naivePass(model, ids).logits[3];
    const top = logits.indexOf(Math.max(...logits));
    const found = await attribute(await onDevice(reference(), model), ids);
    expect(found).toMatchObject({ token: top, predicted: true });
    const total = sumOf(logits.map((value) => Math.exp(value - logits[top])));
    expect(found.probability).toBeCloseTo(1 / total, 9);
    expect(
      (await attribute(await onDevice(reference(), model), ids, { token: (top + 1) % 9 })).predicted,
    ).toBe(false);
  });

  it("is within 1e-5 in float32, on the engine that a user has", async () => {
    const backend = await wasm({ threads: 1 });
    const folded = foldModel(frozenModel({ ...tiny, channels: 24, layers: 2 }, 8));
    const model = await onDevice(backend, folded);
    const before = backend.memory().liveBytes;
    const { relativeDifference } = await attribute(model, [1, 2, 3, 4]);
    expect(relativeDifference).toBeGreaterThan(0);
    expect(relativeDifference).toBeLessThan(1e-5);
    expect(backend.memory().liveBytes).toBe(before);
    await backend.dispose();
  });

  it("refuses a sum that is not the logits, no text, and a strange token", async () => {
    const backend = reference({ precision: "float32" });
    // A residual so large that float32 keeps nothing of what the heads write, and ln_f takes its mean out.
    const { weights, ...model } = randomModel(tiny, 9);
    const { data, shape } = weights["wpe.weight"];
    const huge = { ...weights, "wpe.weight": { shape, data: data.map((x) => x + 3e5) } };
    const large = await onDevice(backend, { ...model, weights: huge });
    await expect(attribute(large, [1, 2, 3])).rejects.toThrow(
      "more than 0.00001. Where the residual is very large",
    );
    await expect(attribute(large, [])).rejects.toThrow("no token");
    await expect(attribute(large, [1], { token: 9 })).rejects.toThrow("outside the vocabulary of 9");
  });
});

const tiny = {
  vocabSize: 9,
  blockSize: 6,
  channels: 6,
  heads: 2,
  layers: 1,
  inner: 8,
  gelu: "tanh",
  eps: 1e-5,
  tied: true,
  eot: 8,
} as const;

describe("attributionError", () => {
  it("is 0 where no LayerNorm stands before the head", async () => {
    const frozen = frozenModel(tiny, 1);
    for (const model of [frozen, foldModel(frozen)]) {
      const tokens = Uint16Array.from(randomIds(tiny, 25, 2));
      const found = await last(
        attributionError(await onDevice(reference(), model), tokens, { sequences: 4, blockSize: 6 }),
      );
      expect(found.sequences).toBe(4);
      expect(found.nmae.value).toBeLessThan(1e-12);
      expect(found.pooled.interval?.high).toBeLessThan(1e-12);
    }
  });

  it("is the ratio of means over sequences, against a head left out of a naive pass", async () => {
    const model = randomModel({ ...tiny, layers: 2 }, 6);
    const tokens = randomIds(tiny, 19, 3);
    const found = await last(
      attributionError(await onDevice(reference(), model), Uint16Array.from(tokens), {
        sequences: 10,
        blockSize: 6,
      }),
    );
    expect(found).toMatchObject({ sequences: 3, blockSize: 6 });
    const centred = (logits: number[], token: number) => logits[token] - meanOf(logits);
    const ratios: number[] = [];
    const all = { error: 0, effect: 0 };
    for (const layer of [0, 1]) {
      for (const head of [0, 1]) {
        let [error, effect] = [0, 0];
        for (let sequence = 0; sequence < 3; sequence++) {
          const ids = tokens.slice(6 * sequence, 6 * sequence + 6);
          const target = tokens[6 * sequence + 6];
          const r = naivePass(model, ids).residuals["ln_f"][5];
          const c = headWrites(model, ids, layer, head);
          const position = positionOf(model, ids, 5);
          const logit = centred(naiveHead(model, r, position), target);
          const direct = logit - centred(naiveHead(model, minus(r, c), position), target);
          // The cached scale: a norm frozen at this residual's own std, and what it gives for nothing taken out.
          const variance = meanOf(r.map((x) => (x - meanOf(r)) ** 2));
          const cached = {
            ...model,
            norms: replaceNorm(model.norms, "ln_f", frozenNorm(Math.sqrt(variance + tiny.eps))),
          };
          const zero = naiveHead(cached, new Array<number>(tiny.channels).fill(0), position);
          const attributed = centred(minus(naiveHead(cached, c, position), zero), target);
          error += Math.abs(attributed - direct);
          effect += Math.abs(direct);
        }
        ratios.push(error / effect);
        all.error += error;
        all.effect += effect;
        expect(found.heads[layer][head]).toBeCloseTo(error / effect, 9);
      }
    }
    expect(found.nmae.value).toBeCloseTo(meanOf(ratios), 9);
    expect(found.nmae.value).toBeGreaterThan(0.01);
    expect(found.pooled.value).toBeCloseTo(all.error / all.effect, 9);
    const { low, high } = found.nmae.interval ?? { low: NaN, high: NaN };
    expect(low).toBeLessThanOrEqual(high);
  });

  it("needs a whole sequence and its target", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 1));
    const short = attributionError(model, new Uint16Array(6), { sequences: 1, blockSize: 6 });
    await expect(short.next()).rejects.toThrow("a whole sequence of 2 or more");
  });
});
