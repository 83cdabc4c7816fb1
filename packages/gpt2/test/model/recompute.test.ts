/** Recomputing blocks changes what is kept, and nothing else. */
import { valueAndGrad } from "@normless/autograd";
import { dry, reference, type Tensor } from "@normless/tensor";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  atNormInputs,
  type Gpt2Config,
  type NormModule,
  standardNorms,
  trainingLoss,
  uploadTargets,
  uploadTokens,
  uploadWeights,
} from "../../src/index.js";
import { configs, randomModel } from "../../src/testing/index.js";

async function step(
  backend: ReturnType<typeof reference>,
  config: Gpt2Config,
  seed: number,
  recompute: boolean,
) {
  const { weights } = randomModel(config, seed);
  const T = config.blockSize;
  const ids = Int32Array.from({ length: 2 * T }, (_, i) => (i * 7 + seed) % config.vocabSize);
  const tokens = uploadTokens(backend, config, { inputs: ids, B: 2, T });
  const targets = uploadTargets(backend, config, ids, T);
  const observed: NormModule[] = [];
  const { value, grads } = valueAndGrad(
    (params) =>
      trainingLoss({ config, params, norms: standardNorms(config) }, tokens, targets, {
        totalTokens: 2 * T,
        auxiliaryWeight: 0.1,
        recompute,
        hooks: atNormInputs(config, (module) => {
          observed.push(module);
        }),
      }).total,
    await uploadWeights(backend, weights),
  );
  return { results: { value, ...grads } as Record<string, Tensor>, observed };
}

describe("recompute", () => {
  it("gives the same bits for the loss and every gradient, and observes every residual once", async () => {
    await fc.assert(
      fc.asyncProperty(configs, fc.nat(1000), async (config, seed) => {
        const plain = await step(reference(), config, seed, false);
        const again = await step(reference(), config, seed, true);
        expect(again.observed).toEqual(plain.observed);
        for (const [name, tensor] of Object.entries(plain.results)) {
          expect(await again.results[name].read(), name).toEqual(await tensor.read());
        }
      }),
      { numRuns: 15 },
    );
  });

  it("needs much less memory, and leaves nothing behind", async () => {
    const config: Gpt2Config = {
      ...{ vocabSize: 50, blockSize: 64, channels: 32, layers: 12, heads: 4, inner: 128 },
      ...{ gelu: "tanh", eps: 1e-5, tied: true, eot: undefined },
    };
    const run = async (recompute: boolean) => {
      const backend = dry();
      await step(backend, config, 1, recompute);
      return backend.memory();
    };
    const [kept, recomputed] = [await run(false), await run(true)];
    expect(recomputed.liveTensors).toBe(kept.liveTensors);
    const weights = kept.liveBytes;
    expect(recomputed.peakBytes - weights).toBeLessThan(0.3 * (kept.peakBytes - weights));
  });
});
