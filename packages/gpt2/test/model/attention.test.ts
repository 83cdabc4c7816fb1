/** What a config says of attention's scale, in everything that attends: against naive loops in float64. */
import { valueAndGrad } from "@normless/autograd";
import { reference } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  foldModel,
  generate,
  type Gpt2Config,
  type HostModel,
  toEps1e12,
  toTransformerLens,
  trainingLoss,
  uploadTargets,
  uploadTokens,
  uploadWeights,
  type WeightsInMemory,
} from "../../src/index.js";
import { queryScale } from "../../src/model/config.js";
import { attentions, configs, logitsOf, frozenModel, randomModel } from "../../src/testing/index.js";
import { naiveLogits, naiveLoss, type NaiveWeights } from "../naive.js";

const tanh = configs.map((config): Gpt2Config => ({ ...config, gelu: "tanh" }));
const idsOf = ({ blockSize, vocabSize }: Gpt2Config) =>
  Array.from({ length: blockSize }, (_, t) => (3 * t + 1) % vocabSize);

const naiveWeights = ({ weights }: HostModel<WeightsInMemory>): NaiveWeights =>
  Object.fromEntries(
    Object.entries(weights).map(([name, { data }]) => [name, { data: Float64Array.from(data) }]),
  );

/** Large enough weights that attention matters, several layers, heads of several channels. */
const config: Gpt2Config = {
  ...{ vocabSize: 7, blockSize: 6, channels: 6, layers: 3, heads: 2, inner: 8 },
  ...{ gelu: "tanh", eps: 1e-5, tied: true, eot: 6 },
};

it("forward gives naive logits, for any config", async () => {
  await fc.assert(
    fc.asyncProperty(tanh, fc.nat(2 ** 31), async (drawn, seed) => {
      const model = randomModel(drawn, seed);
      const naive = naiveLogits(naiveWeights(model), drawn, idsOf(drawn)).flat();
      expectClose("logits", await logitsOf(reference(), model), Float64Array.from(naive), 1e-9);
    }),
    { numRuns: 60 },
  );
});

it("the scale of a config is another model's than GPT-2's", async () => {
  const plain = await logitsOf(reference(), randomModel(config, 1));
  const scaled = [{ scaleAttnWeights: false }, { scaleAttnByInverseLayerIdx: true }] as const;
  for (const attention of scaled) {
    const logits = await logitsOf(reference(), randomModel({ ...config, ...attention }, 1));
    expect(Math.max(...logits.map((logit, i) => Math.abs(logit - plain[i])))).toBeGreaterThan(0.01);
  }
  const upcast = await logitsOf(reference(), randomModel({ ...config, reorderAndUpcastAttn: true }, 1));
  expect(upcast).toEqual(plain);
});

it("queries are scaled by 1 in GPT-2, to its very bits", () => {
  expect([0, 1, 2].map((layer) => queryScale(config, layer))).toEqual([1, 1, 1]);
});

it("generation with a cache takes the naive likeliest tokens", async () => {
  await fc.assert(
    fc.asyncProperty(attentions, fc.nat(2 ** 31), async (attention, seed) => {
      const model = randomModel({ ...config, ...attention }, seed);
      const params = await uploadWeights(reference(), model.weights);
      const context = [1, 5];
      for await (const id of generate({ ...model, params }, context.slice(), {
        maxTokens: config.blockSize - 2,
        temperature: 0,
      })) {
        const logits = naiveLogits(naiveWeights(model), model.config, context).at(-1) ?? [];
        expect(id).toBe(logits.indexOf(Math.max(...logits)));
        context.push(id);
      }
      expect(context).toHaveLength(config.blockSize);
    }),
    { numRuns: 20 },
  );
});

it("gradients are the naive loss's central differences", async () => {
  for (const [attention] of fc.sample(fc.tuple(attentions), { numRuns: 12, seed: 1 })) {
    const model = randomModel({ ...config, ...attention }, 3);
    const [ids, targets] = [idsOf(config), [2, 0, 5, 1, 6, 3]];
    const backend = reference();
    const tokens = uploadTokens(backend, config, { inputs: Int32Array.from(ids), B: 1, T: ids.length });
    const goal = uploadTargets(backend, config, Int32Array.from(targets), ids.length);
    const { grads } = valueAndGrad(
      (params) =>
        trainingLoss({ ...model, params }, tokens, goal, { totalTokens: ids.length, recompute: true }).total,
      await uploadWeights(backend, model.weights),
    );
    const weights = naiveWeights(model);
    for (const name of ["h.0.attn.c_attn.weight", "h.2.attn.c_attn.weight", "h.2.attn.c_attn.bias"]) {
      const { data } = weights[name];
      const grad = await grads[name].read();
      for (let at = 0; at < data.length; at += 7) {
        const kept = data[at];
        const loss = (change: number) => {
          data[at] = kept + change;
          return naiveLoss(weights, model.config, ids, targets);
        };
        const slope = (loss(1e-5) - loss(-1e-5)) / 2e-5;
        data[at] = kept;
        expect(Math.abs(grad[at] - slope), `${name}[${at}]`).toBeLessThan(1e-7);
      }
    }
  }
});

describe("a fold", () => {
  it("leaves a config that says nothing of attention, the eps 1e12 form one that says the same", () => {
    fc.assert(
      fc.property(attentions, (attention) => {
        const frozen = frozenModel({ ...config, ...attention }, 2);
        const folded = foldModel(frozen);
        expect(folded.config).toEqual({ ...config, tied: false });
        expect(toEps1e12(frozen).config).toEqual({ ...config, ...attention, eps: 1e12 });
        expect(() => toTransformerLens(folded)).not.toThrow();
      }),
    );
  });

  it("of a folded model takes in a scale that its config still asks for", async () => {
    await fc.assert(
      fc.asyncProperty(attentions, fc.nat(2 ** 31), async (attention, seed) => {
        const folded = foldModel(frozenModel(config, seed));
        const scaled = { ...folded, config: { ...folded.config, ...attention } };
        const again = foldModel(scaled);
        expect(again.config).toEqual(folded.config);
        expectClose("logits", await logitsOf(reference(), again), await logitsOf(reference(), scaled), 1e-5);
        if (Object.keys(attention).length > 0) {
          expect(() => toTransformerLens(scaled)).toThrow("fold it into the weights before (foldModel)");
        }
      }),
      { numRuns: 20 },
    );
  });
});
