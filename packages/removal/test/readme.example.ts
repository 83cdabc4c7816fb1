import { initWeights, presets } from "@normless/gpt2";
import { wasm } from "@normless/tensor-wasm";
import { distilledRecipe, removeLayerNorm } from "@normless/removal";

const tiny = { layers: 2, channels: 16, heads: 2, inner: 64, blockSize: 16, vocabSize: 61, eot: 60 };
const config = { ...presets.base, ...tiny };
const tokens = Uint16Array.from({ length: 4000 }, (_, i) => (i * i) % 60);
const backend = await wasm();

const run = removeLayerNorm({
  backend,
  model: { config, weights: initWeights(config, 1) },
  corpus: { train: tokens, validation: tokens.subarray(0, 500) },
  recipe: { ...distilledRecipe, steps: 100, batchSize: 4, microBatchSize: 4, blockSize: 16 },
});
const removed: string[] = [];
for await (const event of run) {
  if (event.type === "removal" && event.removal.kind === "freeze") removed.push(event.removal.site);
  if (event.type === "done") console.log("ln_f.weight" in event.folded.weights); // false
}
console.log(removed.join(" ")); // h.0.ln_2 h.1.ln_2 h.0.ln_1:qk h.1.ln_1:qk h.0.ln_1:v h.1.ln_1:v ln_f
await backend.dispose();
