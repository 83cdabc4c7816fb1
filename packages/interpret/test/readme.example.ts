import { mean } from "@normless/autograd";
import { foldModel, freezeAll, type HostModel, type Model, uploadWeights } from "@normless/gpt2";
import { readModelFolder } from "@normless/gpt2/node";
import { attribute, logitDifference, pathPatching, runWithCache } from "@normless/interpret";
import { wasm } from "@normless/tensor-wasm";

const backend = await wasm({ threads: 1 });
const upload = async ({ config, norms, weights }: HostModel): Promise<Model> => {
  return { config, norms, params: await uploadWeights(backend, weights) };
};
const shipped = await readModelFolder("models/sotu");
const idsOf = (text: string) => shipped.tokenizer!.encode(text);
const [clean, corrupted] = [idsOf("The people of the United"), idsOf("The people of the whole")];
const [[token], [versus]] = [idsOf(" States"), idsOf(" world")];
const withNorms = await upload(shipped);

// Every norm is frozen at the mean of what it divides by here, and folded into the weights.
const stds: Record<string, number> = {};
using run = runWithCache(withNorms, clean, (name) => name.endsWith("hook_scale"));
for (const [name, scale] of Object.entries(run.cache)) {
  const module = name
    .replace("blocks", "h")
    .replace("ln_final", "ln_f")
    .replace(/ln(\d)/, "ln_$1");
  using meanScale = mean(scale); // of (1,T,1)
  stds[module.replace(".hook_scale", "")] = await meanScale.item();
}
const lnFree = await upload(foldModel({ ...shipped, norms: freezeAll(shipped.norms, stds) }));

// Why " States" and not " world"? What each part wrote for it, and what leaving the part out takes away.
const byParts = async (model: Model) => {
  const { logit, parts, offBy } = await attribute(model, clean, { token, versus });
  const direct = parts.reduce((sum, part) => sum + part.direct, 0);
  return `${logit.toFixed(2)}, direct effects ${direct.toFixed(2)}, off by ${(100 * offBy).toFixed(0)} %`;
};
console.log(await byParts(withNorms)); // 11.99, direct effects 8.84, off by 53 %
console.log(await byParts(lnFree)); // 9.27, direct effects 9.27, off by 0 %

// Head 2 of block 4 writes most for it. "United" for "whole": as its parts say, and as patching its path to the logits does.
const byHead = async (model: Model) => {
  const logitOf = async (ids: number[]) =>
    (await attribute(model, ids, { token, versus })).parts.find(({ name }) => name === "h.4.attn.2")!.logit;
  const path = { from: { layer: 4, head: 2 }, to: ["logits"] } as const;
  const patched = await pathPatching(model, { clean, corrupted }, logitDifference(token, versus), path);
  const change = (await logitOf(clean)) - (await logitOf(corrupted));
  return `by parts ${change.toFixed(3)}, by patching ${(patched.value - patched.corrupted).toFixed(3)}`;
};
console.log(await byHead(withNorms)); // by parts 0.426, by patching 0.492
console.log(await byHead(lnFree)); // by parts 0.286, by patching 0.286
