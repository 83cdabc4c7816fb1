/** What LN-free models are measured by, against naive forms. */
import type { Variable } from "@normless/autograd";
import { foldModel, type Model } from "@normless/gpt2";
import { config as tiny, frozenModel, onDevice, randomModel } from "@normless/gpt2/testing";
import { reference } from "@normless/tensor";
import { describe, expect, it } from "vitest";
import {
  activationPatching,
  attributionPatching,
  attributionPatchingError,
  confidenceNeurons,
  logitDifference,
  neuronAblation,
  patchingError,
  patchingImprovement,
  runWithHooks,
} from "../../src/index.js";

const backend = reference();
const models = [randomModel(tiny, 3), foldModel(frozenModel(tiny, 3))];

/** What a generator returns. */
async function last<X>(steps: AsyncGenerator<number, X>): Promise<X> {
  for (;;) {
    const step = await steps.next();
    if (step.done) return step.value;
  }
}

describe.each([0, 1])("model %i", (which) => {
  const make = (): Promise<Model> => onDevice(backend, models[which]);

  it("scores every neuron of the last MLP by its length and the variance of its cosines", async () => {
    const model = await make();
    const { channels: C, vocabSize: V, inner: M, layers } = tiny;
    const all = await confidenceNeurons(model);
    expect(all.map(({ neuron }) => neuron).sort((a, b) => a - b)).toEqual(
      Array.from({ length: M }, (_, n) => n),
    );
    const w = await model.params[`h.${layers - 1}.mlp.c_proj.weight`].read();
    const head = await (model.params["lm_head.weight"] ?? model.params["wte.weight"]).read();
    const gamma = which === 0 ? await model.params["ln_f.weight"].read() : undefined;
    for (const { neuron, norm, logitVariance, score } of all) {
      const row = [...w.subarray(neuron * C, (neuron + 1) * C)];
      const mean = gamma ? row.reduce((a, b) => a + b, 0) / C : 0;
      const x = row.map((value) => value - mean);
      const length = Math.hypot(...x);
      const cosines = Array.from({ length: V }, (_, t) => {
        const u = x.map((_, c) => head[t * C + c] * (gamma?.[c] ?? 1));
        return u.reduce((sum, value, c) => sum + value * x[c], 0) / Math.hypot(...u) / length;
      });
      const middle = cosines.reduce((a, b) => a + b, 0) / V;
      const variance = cosines.reduce((sum, cosine) => sum + (cosine - middle) ** 2, 0) / V;
      expect(norm).toBeCloseTo(length, 5);
      expect(logitVariance).toBeCloseTo(variance, 5);
      expect(score / (length / variance)).toBeCloseTo(1, 4);
    }
    for (let i = 1; i < all.length; i++) expect(all[i].score).toBeLessThanOrEqual(all[i - 1].score);
  });

  it("holds neurons at their means, alone and together, and tells what cross-entropy and entropy do", async () => {
    const model = await make();
    const T = 4;
    const ids = [1, 5, 2, 7, 3, 3, 0, 6, 4, 1, 2, 2, 5];
    const found = await last(neuronAblation(model, Uint16Array.from(ids), { neurons: [1, 3], blockSize: T }));
    expect(found).toMatchObject({ sequences: 3, blockSize: T });
    expect(found.changes.map(({ neurons }) => neurons)).toEqual([[1], [3], [1, 3]]);
    const rows = [0, 1, 2].map((r) => ids.slice(r * T, (r + 1) * T));
    const name = `blocks.${tiny.layers - 1}.mlp.hook_post` as const;
    let active: number[] = [];
    const reads: Promise<void>[] = [];
    const seeing = (x: Variable) =>
      void reads.push(x.tensor.read().then((values) => void (active = [...values])));
    runWithHooks(model, rows, { [name]: seeing });
    await Promise.all(reads);
    const M = tiny.inner;
    const mean = (n: number) => active.filter((_, i) => i % M === n).reduce((a, b) => a + b, 0) / 12;
    const nats = async (set: readonly number[]) => {
      const values = Float64Array.from(active, (value, i) => (set.includes(i % M) ? mean(i % M) : value));
      const logits = await runWithHooks(model, rows, {
        [name]: () => backend.upload(values, [3, T, M]),
      }).read();
      const V = tiny.vocabSize;
      let [crossEntropy, entropy] = [0, 0];
      for (let at = 0; at < 12; at++) {
        const row = [...logits.subarray(at * V, (at + 1) * V)];
        const most = Math.max(...row);
        const total = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - most), 0)) + most;
        crossEntropy += (total - row[ids[at + 1]]) / 12;
        entropy += row.reduce((sum, logit) => sum + Math.exp(logit - total) * (total - logit), 0) / 12;
      }
      return { crossEntropy, entropy };
    };
    const whole = await nats([]);
    expect(found.crossEntropy.value).toBeCloseTo(whole.crossEntropy, 6);
    expect(found.entropy.value).toBeCloseTo(whole.entropy, 6);
    for (const { neurons, crossEntropy, entropy } of found.changes) {
      const ablated = await nats(neurons);
      expect(crossEntropy.value).toBeCloseTo(ablated.crossEntropy - whole.crossEntropy, 6);
      expect(entropy.value).toBeCloseTo(ablated.entropy - whole.entropy, 6);
    }
  });

  it("tells how far attribution patching is off over prompts", async () => {
    const model = await make();
    const pairs = [
      { clean: [1, 2, 3], corrupted: [4, 2, 3], answer: 5, wrong: 6 },
      { clean: [2, 2, 1, 0], corrupted: [2, 5, 1, 0], answer: 1, wrong: 2 },
    ];
    const found = await last(attributionPatchingError(model, pairs));
    let [error, effect] = [0, 0];
    for (const { answer, wrong, ...pair } of pairs) {
      const metric = logitDifference(answer, wrong);
      const patched = await activationPatching(model, pair, metric, { at: "hook_resid_pre" });
      const attributed = await attributionPatching(model, pair, metric, { at: "hook_resid_pre" });
      const whole = patched.values.reduce((sum, value) => sum + Math.abs(value - patched.corrupted), 0);
      error += patchingError(attributed, patched) * whole;
      effect += whole;
    }
    expect(found.prompts).toBe(2);
    expect(found.error.value).toBeCloseTo(error / effect, 8);
    expect(found.layers).toHaveLength(tiny.layers);
    expect(found.layers.every((one) => one >= 0)).toBe(true);
  });
});

it("an improvement is a mean and a deviation over layers, and what is not there is refused", async () => {
  const { mean, deviation } = patchingImprovement({ layers: [0.5, 0.3] }, { layers: [0.3, 0.3] });
  expect(mean).toBeCloseTo(0.1, 12);
  expect(deviation).toBeCloseTo(0.1, 12);
  expect(() => patchingImprovement({ layers: [1] }, { layers: [1, 2] })).toThrow("1 and 2 layers");
  const model = await onDevice(backend, models[0]);
  const ablate = (neurons: number[], count: number) =>
    last(neuronAblation(model, new Uint16Array(count), { neurons, blockSize: 4 }));
  await expect(ablate([], 9)).rejects.toThrow("no neuron to ablate");
  await expect(ablate([tiny.inner], 9)).rejects.toThrow(`the last MLP's are 0 to ${tiny.inner - 1}`);
  await expect(ablate([0], 4)).rejects.toThrow("there must be a whole sequence");
  await expect(last(attributionPatchingError(model, []))).rejects.toThrow("no pair of prompts");
});
