import { type Gpt2Config, initWeights, presets, standardNorms } from "@normless/gpt2";
import { dry } from "@normless/tensor";
import { wasm } from "@normless/tensor-wasm";
import { describe, expect, it } from "vitest";
import { checkMemory, stepBytes, Trainer, trainRecipe } from "../src/index.js";

const recipe = { ...trainRecipe, batchSize: 4, microBatchSize: 2, blockSize: 32 };
const config = { ...presets.base, layers: 2, vocabSize: 300, eot: 299 };

describe("the memory of an update", () => {
  it.each([
    { recompute: false, distilled: false },
    { recompute: true, distilled: false },
    { recompute: true, distilled: true },
  ])(
    "is what the dry run said (recompute: $recompute, distilled: $distilled), and is flat from the first on",
    async ({ recompute, distilled }) => {
      const expected = await stepBytes({ config, recipe, recompute, distilled });
      const backend = await wasm({ threads: 1 });
      const weights = initWeights(config, 1);
      const teacher = distilled ? weights : undefined;
      const trainer = await Trainer.create(backend, config, weights, recipe, { recompute, teacher });
      const tokens = Uint16Array.from({ length: 500 }, (_, i) => i % 300);
      const options = { norms: standardNorms(config), auxiliaryWeight: 1 };
      const live = backend.memory().liveBytes;
      for (let i = 0; i < 3; i++) {
        await trainer.update(tokens, options);
        await trainer.results().next();
        expect(backend.memory()).toMatchObject({ liveBytes: live, peakBytes: expected });
      }
      await backend.dispose();
    },
  );

  it("is that of any number of micro-batches, told from two of them", async () => {
    const weights = initWeights(config, 1);
    const norms = standardNorms(config);
    for (const [batchSize, recompute] of [1, 2, 3, 5].flatMap(
      (n) =>
        [
          [2 * n, false],
          [2 * n, true],
        ] as const,
    )) {
      const backend = dry();
      const trainer = await Trainer.create(backend, config, weights, { ...recipe, batchSize }, { recompute });
      await trainer.update(new Uint16Array(500), { norms, auxiliaryWeight: 1 });
      const { peakBytes } = backend.memory();
      expect(await stepBytes({ config, recipe: { ...recipe, batchSize }, recompute })).toBe(peakBytes);
    }
    // The ids alone of so many would be terabytes.
    const endless = { ...recipe, batchSize: 2 ** 36 };
    expect(await stepBytes({ config, recipe: endless, recompute: false })).toBe(
      await stepBytes({ config, recipe, recompute: false }),
    );
  });

  it("is refused before it starts when it does not fit, with the figures and what to do", async () => {
    const backend = await wasm({ threads: 1 });
    const { liveBytes } = backend.memory();
    const long = { ...recipe, batchSize: 8, microBatchSize: 8, blockSize: 1024 };
    const refused = (config: Gpt2Config) =>
      expect(checkMemory(backend, { config, recipe: long, recompute: false })).rejects;
    await refused(presets.small).toThrow(
      /an update needs \d+\.\d\d GiB and wasm has 4\.00 GiB\. Try a smaller micro-batch \(now 8 sequences\), or recomputing/,
    );
    await refused(presets.medium).toThrow(
      /an update of 354,823,168 parameters needs 5\.29 GiB for these, .* and wasm has 4\.00 GiB\. Take a smaller model/,
    );
    const huge = { ...presets.small, layers: 1000, channels: 2 ** 16, inner: 2 ** 18, heads: 4 };
    await refused(huge).toThrow(/needs \d+\.\d\d GiB for these, their gradients and AdamW's moments alone/);
    expect(backend.memory().liveBytes).toBe(liveBytes);
    await backend.dispose();
  });

  it("of GPT-2 small at 1×1024 fits with recomputation, beside its teacher too", async () => {
    const backend = await wasm({ threads: 1 });
    const one = { ...recipe, batchSize: 1, microBatchSize: 1, blockSize: 1024 };
    for (const distilled of [false, true])
      await checkMemory(backend, { config: presets.small, recipe: one, recompute: true, distilled });
    await backend.dispose();
  });
});
