/**
 * What @normless/interpret finds in a model, as a safetensors file for test_transformer_lens_inside.py. Its arguments: a folder, a
 * JSON file of what is asked (rows of tokens, clean and corrupted; two tokens), and the file to write.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { uploadWeights, withFrozenNames } from "@normless/gpt2";
import { readModelFolder } from "@normless/gpt2/node";
import {
  activationPatching,
  attribute,
  attributionPatching,
  decompose,
  logitDifference,
  logitLens,
  pathPatching,
  runWithCache,
} from "@normless/interpret";
import { toBytes } from "@normless/safetensors";
import { wasm } from "@normless/tensor-wasm";

const [folder, asked, out] = process.argv.slice(2);
const { clean, corrupted, token, versus } = JSON.parse(readFileSync(asked, "utf8"));
const backend = await wasm({ threads: 2 });
const { config, weights, norms } = withFrozenNames(await readModelFolder(folder));
const model = { config, norms, params: await uploadWeights(backend, weights) };

/** @type {import("@normless/safetensors").TensorEntry[]} */
const entries = [];
/** @type {(name: string, shape: readonly number[], values: ArrayLike<number>) => void} */
const give = (name, shape, values) => {
  entries.push({ name, dtype: "F32", shape, data: Float32Array.from(values) });
};

const run = runWithCache(model, clean, () => true);
give("logits", run.logits.shape, await run.logits.read());
for (const [name, tensor] of Object.entries(run.cache))
  give(`cache/${name}`, tensor.shape, await tensor.read());
run[Symbol.dispose]();

const metric = logitDifference(token, versus);
const pair = { clean, corrupted };
/** @type {readonly (readonly [import("@normless/interpret").PatchPoint, readonly import("@normless/interpret").PatchAxis[]])[]} */
const sweeps = [
  ["hook_resid_pre", ["position"]],
  ["hook_resid_mid", ["position"]],
  ["hook_attn_out", ["position"]],
  ["hook_mlp_out", ["position"]],
  ["attn.hook_z", ["head"]],
  ["attn.hook_z", ["position", "head"]],
  ["attn.hook_q", ["head"]],
  ["attn.hook_k", ["head"]],
  ["attn.hook_v", ["head"]],
  ["attn.hook_pattern", ["head"]],
];
for (const [at, by] of sweeps) {
  const found = await activationPatching(model, pair, metric, { at, by });
  give(`patch/${at}/${by.join(",")}`, found.shape, found.values);
  const attributed = await attributionPatching(model, pair, metric, { at, by });
  give(
    `attributed/${at}/${by.join(",")}`,
    found.shape,
    attributed.values.map((value) => value - attributed.corrupted),
  );
}
for (const reads of /** @type {const} */ (["q", "k", "v"])) {
  const values = new Float32Array(config.layers * config.heads);
  for (let layer = 2; layer < config.layers; layer++) {
    for (let head = 0; head < config.heads; head++) {
      const path = { from: { layer: 1, head: 2 }, to: [{ layer, head, reads }] };
      values[layer * config.heads + head] = (await pathPatching(model, pair, metric, path)).value;
    }
  }
  give(`path/${reads}`, [config.layers, config.heads], values);
}

const [ids] = clean;
const { positions } = await decompose(model, ids);
const names = positions[0].parts.map(({ name }) => name);
give(
  "parts",
  [names.length, ids.length, config.channels],
  names.flatMap((_, i) => positions.flatMap(({ parts }) => [...parts[i].values])),
);
const { parts } = await attribute(model, ids, { token, versus });
give(
  "attribution",
  [parts.length],
  parts.map(({ logit }) => logit),
);
const lens = await logitLens(model, ids, {
  positions: ids.map((/** @type {number} */ _, /** @type {number} */ t) => t),
  middle: true,
});
for (const { at, logits } of lens.rows) give(`lens/${at}`, [ids.length, config.vocabSize], logits);
await backend.dispose();
writeFileSync(out, await toBytes(entries, { metadata: { parts: JSON.stringify(names) } }));
