import { evaluate } from "@normless/autograd";
import {
  foldModel,
  forward,
  freezeAll,
  type HostModel,
  initWeights,
  parameterCount,
  presets,
  replaceNorm,
  standardNorms,
  uploadTokens,
  uploadWeights,
} from "@normless/gpt2";
import { frozenNorm } from "@normless/layernorm";
import { reference } from "@normless/tensor";

const backend = reference();
const config = {
  ...presets.base,
  vocabSize: 16,
  blockSize: 8,
  channels: 8,
  inner: 32,
  layers: 1,
  heads: 2,
  eot: 15,
};
const model: HostModel = { config, weights: initWeights(config, 1337), norms: standardNorms(config) };
console.log(parameterCount(model.weights)); // 1080

const tokens = uploadTokens(backend, config, { inputs: Int32Array.of(3, 1, 4, 1, 5), B: 1, T: 5 });
async function logitsOf({ config, weights, norms }: HostModel) {
  const logits = evaluate(
    (params) => forward({ config, params, norms }, tokens), // (B,T,V)
    await uploadWeights(backend, weights),
  );
  return [...(await logits.read())];
}
const apart = (a: number[], b: number[]) => Math.max(...a.map((value, i) => Math.abs(value - b[i])));

// A norm is an entry of the table. Freezing one changes the model, which is why training goes on after each removal.
console.log(Object.keys(model.norms).join(" ")); // h.0.ln_1:qk h.0.ln_1:v h.0.ln_2 ln_f
const oneFrozen = { ...model, norms: replaceNorm(model.norms, "h.0.ln_2", frozenNorm(0.05)) };
console.log(apart(await logitsOf(model), await logitsOf(oneFrozen)) > 1e-3); // true

// Folding changes the weights and not the logits: no norm, no gamma and no beta is left.
const frozen = {
  ...model,
  norms: freezeAll(model.norms, { "h.0.ln_1": 0.03, "h.0.ln_2": 0.05, ln_f: 0.04 }),
};
const folded = foldModel(frozen);
console.log(apart(await logitsOf(frozen), await logitsOf(folded)) < 1e-6); // true
console.log(Object.keys(folded.weights).filter((name) => name.includes("ln_"))); // []
