import { wasm } from "../packages/tensor-wasm/src/index.js";
import { initWeights, presets, standardNorms } from "../packages/gpt2/src/index.js";
import { Trainer } from "../apps/remove-layernorm/src/core/trainer.js";
import { trainRecipe } from "../apps/remove-layernorm/src/core/recipe.js";
import { readShard } from "../packages/text/src/index.js";
import fs from "node:fs"; import zlib from "node:zlib";
const tokens = readShard(new Uint8Array(zlib.gunzipSync(fs.readFileSync("models/sotu/train.bin.gz")))).tokens;
for (const threads of [2, 1]) {
  const backend = await wasm({ threads });
  console.log(backend.description);
  const recipe = { ...trainRecipe, batchSize: 16, microBatchSize: 16 };
  const t = new Trainer(backend, presets.base, initWeights(presets.base, 1), recipe);
  const norms = standardNorms(presets.base);
  let t0 = performance.now();
  for (let i = 0; i < 12; i++) {
    const r = await t.update(tokens, { norms, auxiliaryWeight: 0, averages: i % 2 ? {} : undefined });
    if (i === 1) t0 = performance.now();
    if (i === 11) console.log(i, r.loss, r.gradNorm, "tok/s", (10 * 2048) / (performance.now() - t0) * 1000, backend.memory().peakBytes / 1e6);
  }
  await backend.dispose();
}
