import { freezeAll, initWeights, type Model, presets, standardNorms, uploadWeights } from "@normless/gpt2";
import { attribute } from "@normless/interpret";
import { reference } from "@normless/tensor";

const backend = reference();
const small = { vocabSize: 16, blockSize: 8, channels: 8, inner: 32, layers: 1, heads: 2, eot: 15 };
const config = { ...presets.base, ...small };
const params = await uploadWeights(backend, initWeights(config, 1337));
const standard: Model = { config, params, norms: standardNorms(config) };
const frozen: Model = {
  ...standard,
  norms: freezeAll(standard.norms, { "h.0.ln_1": 0.03, "h.0.ln_2": 0.05, ln_f: 0.04 }),
};

// The logit of token 7 after a text, as the sum of what each part of the model wrote for it.
const { parts, logit, exact } = await attribute(frozen, [3, 1, 4, 1, 5], { token: 7 });
console.log(parts.map(({ name }) => name).join(" ")); // token position h.0.attn.0 h.0.attn.1 h.0.attn.bias h.0.mlp h.0.mlp.bias lm_head.bias
console.log(Math.abs(parts.reduce((sum, part) => sum + part.logit, 0) - logit) < 1e-6); // true

// Without a LayerNorm before the head each part is exactly what leaving it out would take away.
console.log(exact, (await attribute(standard, [3, 1, 4, 1, 5], { token: 7 })).exact); // true false
