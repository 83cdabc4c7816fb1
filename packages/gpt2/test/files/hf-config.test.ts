import { frozenNorm, ownNorm, standardNorm, taperedNorm } from "@normless/layernorm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkConfig,
  configFromHf,
  configText,
  foldModel,
  freezeAll,
  type Gpt2Config,
  initWeights,
  normModules,
  normSites,
  type NormTable,
  presets,
  replaceNorm,
  standardNorms,
} from "../../src/index.js";
import { epsilons, hfConfigs } from "../hf-configs.js";
import { configs } from "../../src/testing/index.js";
import { numbersIn, strictJson } from "../strict-json.js";

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
/** What is written, as a reader that does not mind gets it. */
const written = (config: Gpt2Config, norms: NormTable) =>
  JSON.parse(configText(config, norms)) as Record<string, unknown>;

describe("configFromHf", () => {
  it("reads GPT-2's", () => {
    expect(configFromHf(published)).toEqual({ config: presets.small, norms: standard, notes: [] });
  });

  it.each([
    ["n_inner null", { n_inner: null }, { inner: 3072 }],
    ["n_inner", { n_inner: 100 }, { inner: 100 }],
    ["no n_ctx", { n_ctx: undefined }, {}],
    ["only n_ctx", { n_positions: undefined, n_ctx: 512 }, { blockSize: 512 }],
    ["the exact GELU", { activation_function: "gelu" }, { gelu: "none" }],
    ["the exact GELU by another name", { activation_function: "gelu_python" }, { gelu: "none" }],
    ["no activation_function", { activation_function: undefined }, {}],
    ["scores over D^0", { scale_attn_weights: false }, { scaleAttnWeights: false }],
    ["scores over √D, said", { scale_attn_weights: true }, {}],
    [
      "scores over the layer's number",
      { scale_attn_by_inverse_layer_idx: true },
      { scaleAttnByInverseLayerIdx: true },
    ],
    ["scores in float32", { reorder_and_upcast_attn: true }, { reorderAndUpcastAttn: true }],
    [
      "neither, said",
      { scale_attn_by_inverse_layer_idx: false, reorder_and_upcast_attn: false, add_cross_attention: false },
      {},
    ],
    ["an epsilon", { layer_norm_epsilon: 1e-6 }, { eps: 1e-6 }],
    ["an untied head", { tie_word_embeddings: false }, { tied: false }],
    ["no end-of-text", { eos_token_id: null }, { eot: undefined, bosTokenId: 50256 }],
    ["no special tokens", { eos_token_id: null, bos_token_id: null }, { eot: undefined }],
    ["a padding token", { pad_token_id: 50257 }, { padTokenId: 50257 }],
    ["an end-of-text left out", { eos_token_id: undefined }, { eot: 50256 }],
    [
      "the same in a smaller vocabulary",
      { eos_token_id: undefined, vocab_size: 9 },
      { eot: undefined, vocabSize: 9, bosTokenId: 50256 },
    ],
  ])("reads %s", (_, change, difference) => {
    expect(reread({ ...published, ...change }).config).toEqual({ ...presets.small, ...difference });
  });

  it.each(["gelu_new", "gelu_fast", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_accurate"])(
    "reads %s, which is GPT-2's GELU by one of its names",
    (name) => {
      expect(reread({ ...published, activation_function: name }).config).toEqual(presets.small);
    },
  );

  it.each(["relu", "silu", "swish", "gelu_10", "quick_gelu", null])("refuses the activation %s", (name) => {
    expect(() => reread({ ...published, activation_function: name })).toThrow(
      `activation_function is ${JSON.stringify(name)}; expected "gelu_new" or "gelu_fast" or "gelu_pytorch_tanh" or`,
    );
  });

  it.each([
    [[4095], 4095, undefined, "eos_token_id is [4095]; end-of-text is 4095"],
    [[7, 5], 7, [7, 5], "eos_token_id is [7,5]; generation ends at 7 and at 5; end-of-text is 7"],
    [[7, 50256], 50256, [7, 50256], "is [7,50256]; generation ends at 7 and at 50256; end-of-text is 50256"],
    [[3, 3], 3, undefined, "eos_token_id is [3,3]; end-of-text is 3"],
    [
      50257,
      undefined,
      undefined,
      "eos_token_id is 50257; no text of this vocabulary of 50257 has 50257 in it; the model has no end-of-text",
    ],
    [
      -1,
      undefined,
      undefined,
      "no text of this vocabulary of 50257 has -1 in it; the model has no end-of-text",
    ],
    [[60000, 3, 70000], 3, undefined, "has 60000 or 70000 in it; end-of-text is 3"],
    [[], undefined, undefined, "eos_token_id is []; the model has no end-of-text"],
  ] as const)("reads eos_token_id %j as transformers does, and says so", (eos, eot, eosTokenIds, note) => {
    const { config, notes } = reread({ ...published, eos_token_id: eos });
    const bosTokenId = eot === 50256 ? {} : { bosTokenId: 50256 };
    expect(config).toEqual({ ...presets.small, eot, ...(eosTokenIds && { eosTokenIds }), ...bosTokenId });
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain(note);
    expect(notes[0]).toMatch(/^config\.json: eos_token_id is /);
  });

  it("takes an epsilon of 1e12 for what it is, a LayerNorm with that epsilon", () => {
    const { norms } = configFromHf({ ...published, layer_norm_epsilon: 1e12 });
    expect(norms["h.3.ln_2"]).toEqual({ kind: "standard", eps: 1e12 });
  });

  it.each([
    [{ model_type: "llama" }, 'model_type is "llama"; expected "gpt2" or "gpt2-normless"'],
    [{ model_type: undefined }, "model_type is missing"],
    [{ n_embd: 12.5 }, "config.json: n_embd is 12.5; expected a whole number from 1 up"],
    [{ n_positions: undefined, n_ctx: undefined }, "n_ctx is missing"],
    [{ n_inner: "big" }, 'n_inner is "big"'],
    [{ n_head: 5 }, "768 channels do not divide into 5 heads"],
    [{ layer_norm_epsilon: -1 }, "layer_norm_epsilon is -1"],
    [{ layer_norm_epsilon: "1e-5" }, 'layer_norm_epsilon is "1e-5"'],
    [{ eos_token_id: 5.5 }, "eos_token_id is 5.5; expected null, an id or a list of ids"],
    [{ eos_token_id: ["1"] }, 'eos_token_id is ["1"]; expected null, an id or a list of ids'],
    [{ eos_token_id: true }, "eos_token_id is true"],
    [{ tie_word_embeddings: "yes" }, 'tie_word_embeddings is "yes"'],
    [{ scale_attn_by_inverse_layer_idx: 1 }, "scale_attn_by_inverse_layer_idx is 1; expected true or false"],
    [{ scale_attn_weights: "no" }, 'scale_attn_weights is "no"; expected true or false'],
    [{ reorder_and_upcast_attn: null }, "reorder_and_upcast_attn is null; expected true or false"],
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

const stdValues = fc.oneof(
  fc.constantFrom(1, 2, 1e21, 1e-7),
  fc.double({ min: 1e-9, max: 1e9, noNaN: true }),
);

describe("configText", () => {
  it("is undone by configFromHf, for any config that it takes", () => {
    fc.assert(
      fc.property(hfConfigs, (hf) => {
        const { config, norms } = reread(hf);
        const again = configFromHf(written(config, norms));
        expect(again.config).toEqual(config);
        expect(again.norms).toEqual(norms);
      }),
      { numRuns: 500 },
    );
  });

  it("is undone by configFromHf, for any table of norms, and its floats are floats to a strict reader", () => {
    const norms = fc.oneof(
      stdValues.map((std) => frozenNorm(std)),
      fc.tuple(stdValues, stdValues, stdValues, stdValues).map(([first, eot, rest, channel]) => {
        return frozenNorm({ first, eot, rest }, channel);
      }),
      epsilons.map((eps) => standardNorm(eps)),
      fc
        .record({ eps: epsilons, gate: fc.constantFrom(0, 1, 0.5), std: stdValues })
        .map((tapered) => taperedNorm(tapered)),
    );
    fc.assert(
      fc.property(configs, epsilons, fc.array(norms, { minLength: 7, maxLength: 7 }), (some, eps, drawn) => {
        const config = { ...some, eps };
        const table = Object.fromEntries(normSites(config).map((site, i) => [site, drawn[i]]));
        const again = configFromHf(written(config, table));
        expect(again).toMatchObject({ config, norms: table });
        const numbers = numbersIn(strictJson(configText(config, table)));
        for (const { path, type } of numbers) {
          const isFloat = path[0] === "normless" || path[0] === "layer_norm_epsilon";
          expect(type, path.join(".")).toBe(isFloat ? "float" : "int");
        }
        expect(numbers.find(({ path }) => path[0] === "layer_norm_epsilon")?.value).toBe(eps);
      }),
    );
  });

  it("writes a GPT-2 with LayerNorms as stock software knows it", () => {
    const { attn_pdrop: _, ...fields } = published;
    expect(written(presets.small, standard)).toEqual({
      ...fields,
      n_inner: null,
      tie_word_embeddings: true,
    });
    expect(configText(presets.small, standard)).toContain('"layer_norm_epsilon": 0.00001,\n');
  });

  it("writes what the config says of attention and of several ids that end a text, and nothing where it says nothing", () => {
    const hf = {
      ...{ scale_attn_weights: false, scale_attn_by_inverse_layer_idx: true, reorder_and_upcast_attn: true },
      eos_token_id: [5, 6],
    };
    const { config } = reread({ ...published, ...hf });
    expect(written(config, standard)).toMatchObject({ ...hf, bos_token_id: 50256 });
    expect(written(reread({ ...published, bos_token_id: null }).config, standard)).toMatchObject({
      bos_token_id: 50256,
    });
    const others = { bos_token_id: 7, pad_token_id: 50257 };
    expect(written(reread({ ...published, ...others }).config, standard)).toMatchObject(others);
    expect(written(presets.small, standard)).not.toHaveProperty("pad_token_id", expect.anything());
    expect(configText(presets.small, standard)).not.toMatch(/attn/);
  });

  it("keeps a table of norms, under a model_type that stock software refuses", () => {
    const norms = replaceNorm(frozen, "h.1.ln_1:v", frozenNorm({ first: 7, eot: 8, rest: 9 }));
    for (const table of [norms, replaceNorm(standard, "ln_f", frozenNorm(2))]) {
      const hf = written(presets.small, table);
      expect(hf.model_type).toBe("gpt2-normless");
      expect(configFromHf(hf)).toMatchObject({ config: presets.small, norms: table });
    }
  });

  it("refuses a norm from outside, which no file can hold, by its name", () => {
    const config = checkConfig({
      ...presets.base,
      layers: 1,
      channels: 8,
      heads: 2,
      inner: 8,
      vocabSize: 9,
      eot: 8,
    });
    const norms = replaceNorm(
      standardNorms(config),
      "ln_f",
      ownNorm("mine", (x) => x),
    );
    expect(() => configText(config, norms)).toThrow(/the norm at ln_f is "mine", a norm from outside/);
    const model = { config, weights: initWeights(config, 1), norms };
    expect(() => foldModel(model)).toThrow(/the norm at h.0.ln_1:qk is standard/);
    const others = freezeAll(
      standardNorms(config),
      Object.fromEntries(normModules(config).map((name) => [name, 1])),
    );
    expect(() => foldModel({ ...model, norms: { ...others, ln_f: norms.ln_f } })).toThrow(
      /the norm at ln_f is "mine", a norm from outside; only a frozen norm can be folded/,
    );
  });

  it("marks a folded model, which has no epsilon, and reads one that was written with one", () => {
    const small = { ...presets.base, channels: 4, vocabSize: 5, eot: 4, inner: 8, eps: 1e-6 };
    const norms = freezeAll(standardNorms(small), stds);
    const folded = foldModel({ config: small, weights: initWeights(small, 1), norms });
    const hf = written(folded.config, folded.norms);
    expect(hf).toEqual({
      ...{ architectures: ["NormlessGPT2"], model_type: "gpt2-normless", activation_function: "gelu_new" },
      ...{ vocab_size: 5, n_positions: 128, n_embd: 4, n_layer: 6, n_head: 4, n_inner: 8 },
      ...{ tie_word_embeddings: false, bos_token_id: 4, eos_token_id: 4, normless: { norms: "folded" } },
    });
    const read = { config: folded.config, norms: folded.norms, notes: [] };
    expect(configFromHf(hf)).toEqual(read);
    for (const epsilon of [1e-6, 1e-5, 1e12]) {
      expect(reread({ ...hf, n_ctx: 128, layer_norm_epsilon: epsilon })).toEqual(read);
    }
  });
});

describe("checkConfig", () => {
  it.each([
    [{ eps: -1 }, "config: eps is -1"],
    [{ eps: Infinity }, "config: eps is Infinity"],
    [{ vocabSize: 1.5 }, "config: vocabSize is 1.5"],
    [{ heads: 7 }, "768 channels do not divide into 7 heads"],
    [{ eot: 50257 }, "end-of-text 50257 is outside the vocabulary of 50257"],
    [{ eosTokenIds: [50256, 60000] }, "end-of-text 60000 is outside the vocabulary of 50257"],
    [{ eosTokenIds: [50256] }, "eosTokenIds are [50256]; they are two or more, each once"],
    [{ eot: 5, eosTokenIds: [5, 5] }, "eosTokenIds are [5,5]; they are two or more, each once"],
    [{ eot: 5, eosTokenIds: [5, 50256] }, "eot is 5, and eosTokenIds are [5,50256]; it is 50256 if that is"],
    [{ eot: 6, eosTokenIds: [5, 6] }, "eot is 6, and eosTokenIds are [5,6]; it is 50256 if that is"],
  ])("refuses %j", (change, message) => {
    expect(() => checkConfig({ ...presets.small, ...change })).toThrow(message);
  });
});
