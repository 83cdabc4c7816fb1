import { frozenNorm } from "@normless/layernorm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  configFromHf,
  configToHf,
  foldModel,
  freezeAll,
  initWeights,
  normModules,
  presets,
  replaceNorm,
  standardNorms,
} from "../src/index.js";
import { configs } from "./models.js";

/** The published openai-community/gpt2, as far as it matters here. */
const published = {
  activation_function: "gelu_new",
  architectures: ["GPT2LMHeadModel"],
  attn_pdrop: 0.1,
  bos_token_id: 50256,
  eos_token_id: 50256,
  layer_norm_epsilon: 1e-5,
  model_type: "gpt2",
  n_ctx: 1024,
  n_embd: 768,
  n_head: 12,
  n_layer: 12,
  n_positions: 1024,
  vocab_size: 50257,
};
const stds = Object.fromEntries(normModules(presets.small).map((module, i) => [module, i + 1]));
const standard = standardNorms(presets.small);
const frozen = freezeAll(standard, stds);

/** The config through JSON, as a file does it. */
const reread = (hf: unknown) => configFromHf(JSON.parse(JSON.stringify(hf)));

describe("configFromHf", () => {
  it("reads GPT-2's", () => {
    expect(configFromHf(published)).toEqual({ config: presets.small, norms: standard });
  });

  it.each([
    ["n_inner null", { n_inner: null }, { inner: 3072 }],
    ["n_inner", { n_inner: 100 }, { inner: 100 }],
    ["no n_ctx", { n_ctx: undefined }, {}],
    ["only n_ctx", { n_positions: undefined, n_ctx: 512 }, { blockSize: 512 }],
    ["the exact GELU", { activation_function: "gelu" }, { gelu: "none" }],
    ["no activation_function", { activation_function: undefined }, {}],
    ["an epsilon", { layer_norm_epsilon: 1e-6 }, { eps: 1e-6 }],
    ["an untied head", { tie_word_embeddings: false }, { tied: false }],
    ["no end-of-text", { eos_token_id: null }, { eot: undefined }],
    ["an end-of-text left out", { eos_token_id: undefined }, { eot: 50256 }],
    [
      "the same in a smaller vocabulary",
      { eos_token_id: undefined, vocab_size: 9 },
      { eot: undefined, vocabSize: 9 },
    ],
  ])("reads %s", (_, change, difference) => {
    expect(reread({ ...published, ...change }).config).toEqual({ ...presets.small, ...difference });
  });

  it("takes an epsilon of 1e12 for what it is, a LayerNorm with that epsilon", () => {
    const { norms } = configFromHf({ ...published, layer_norm_epsilon: 1e12 });
    expect(norms["h.3.ln_2"]).toEqual({ kind: "standard", eps: 1e12 });
  });

  it.each([
    [{ model_type: "llama" }, 'model_type is "llama"; expected "gpt2" or "gpt2-normless"'],
    [{ model_type: undefined }, "model_type is missing"],
    [{ activation_function: "relu" }, 'activation_function is "relu"; expected "gelu_new" or "gelu"'],
    [{ n_embd: 12.5 }, "config.json: n_embd is 12.5; expected a whole number from 1 up"],
    [{ n_positions: undefined, n_ctx: undefined }, "n_ctx is missing"],
    [{ n_inner: "big" }, 'n_inner is "big"'],
    [{ n_head: 5 }, "768 channels do not divide into 5 heads"],
    [{ layer_norm_epsilon: -1 }, "layer_norm_epsilon is -1"],
    [{ layer_norm_epsilon: "1e-5" }, 'layer_norm_epsilon is "1e-5"'],
    [{ eos_token_id: 50257 }, "eos_token_id is 50257; expected null or one id below vocab_size, 50257"],
    [{ eos_token_id: [1, 2] }, "eos_token_id is [1,2]"],
    [{ tie_word_embeddings: "yes" }, 'tie_word_embeddings is "yes"'],
    [{ scale_attn_by_inverse_layer_idx: true }, "scale_attn_by_inverse_layer_idx is true; expected false"],
    [{ scale_attn_weights: false }, "scale_attn_weights is false; expected true"],
    [{ add_cross_attention: true }, "add_cross_attention is true"],
    [{ model_type: "gpt2-normless" }, "normless is missing"],
    [{ normless: { norms: "gone" } }, 'normless.norms is "gone"'],
    [{ normless: { norms: { ...standard, "h.12.ln_2": standard.ln_f } } }, 'normless.norms has "h.12.ln_2"'],
    [{ normless: { norms: { ...standard, ln_f: { kind: "frozen" } } } }, 'normless.norms["ln_f"]: '],
    [{ normless: { norms: { ...standard, ln_f: undefined } } }, 'normless.norms["ln_f"]: '],
  ])("refuses %j", (change, message) => {
    expect(() => reread({ ...published, ...change })).toThrow(message);
  });

  it.each([[null], [[]], ["gpt2"]])("refuses %j for a config", (json) => {
    expect(() => configFromHf(json)).toThrow("config.json is");
  });
});

describe("configToHf", () => {
  it("is undone by configFromHf, for any config", () => {
    fc.assert(
      fc.property(configs, (config) => {
        const norms = standardNorms(config);
        expect(reread(configToHf(config, norms))).toEqual({ config, norms });
      }),
    );
  });

  it("writes a GPT-2 with LayerNorms as stock software knows it", () => {
    const { attn_pdrop: _, ...fields } = published;
    expect(configToHf(presets.small, standard)).toEqual({
      ...fields,
      n_inner: null,
      tie_word_embeddings: true,
    });
  });

  it("keeps a table of norms, under a model_type that stock software refuses", () => {
    const norms = replaceNorm(frozen, "h.1.ln_1:v", frozenNorm({ first: 7, eot: 8, rest: 9 }));
    for (const table of [norms, replaceNorm(standard, "ln_f", frozenNorm(2))]) {
      const hf = configToHf(presets.small, table);
      expect(hf.model_type).toBe("gpt2-normless");
      expect(reread(hf)).toEqual({ config: presets.small, norms: table });
    }
  });

  it("marks a folded model", () => {
    const small = { ...presets.base, channels: 4, vocabSize: 5, eot: 4, inner: 8 };
    const norms = freezeAll(standardNorms(small), stds);
    const folded = foldModel({ config: small, weights: initWeights(small, 1), norms });
    const hf = configToHf(folded.config, folded.norms);
    expect(hf).toMatchObject({ model_type: "gpt2-normless", normless: { norms: "folded" } });
    expect(reread(hf)).toEqual({ config: folded.config, norms: folded.norms });
  });
});
