/** Two updates of a model on disk, 1×256 tokens each, on the native engine: `training-step.js FOLDER [recompute] [bfloat16]`. */
import { standardNorms } from "@normless/gpt2";
import { openModelFolder } from "@normless/gpt2/node";
import { randomAt } from "@normless/random";
import { native } from "@normless/tensor-native";
import { Trainer } from "@normless/train";
import { TOKENS } from "./folder.js";

const [folder, ...ways] = process.argv.slice(2);
const model = await openModelFolder(folder);
const { config, weights } = model;
const random = randomAt(1337, 1);
const tokens = Uint16Array.from({ length: TOKENS + 1 }, () => random.below(4096));
const backend = await native({ threads: 2 });
const recipe = {
  ...{
    steps: 2,
    batchSize: 1,
    microBatchSize: 1,
    blockSize: 256,
    eotShare: 0,
    shortShare: 0,
    shortTokens: 4,
  },
  learningRate: { peak: 1e-5, floor: 1e-5, warmupSteps: 0, totalSteps: 2 },
  ...{ beta1: 0.9, beta2: 0.95, adamEps: 1e-8, weightDecay: 0.1, maxNorm: 1, seed: 1337 },
  moments: ways.includes("bfloat16") ? ("bfloat16" as const) : ("float32" as const),
  ...{ validationTokens: 0, checkpointEvery: 1 },
};
const trainer = await Trainer.create(backend, config, weights, recipe, {
  recompute: ways.includes("recompute"),
});
for (let step = 0; step < recipe.steps; step++) {
  const begin = performance.now();
  await trainer.update(tokens, { norms: standardNorms(config), auxiliaryWeight: 0 });
  for await (const { loss } of trainer.results()) {
    const seconds = (performance.now() - begin) / 1000;
    process.stderr.write(`loss ${loss.toFixed(4)}, ${seconds.toFixed(2)} s\n`);
  }
}
trainer.free();
await backend.dispose();
await model.close();
