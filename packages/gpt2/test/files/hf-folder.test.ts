import { type TensorEntry, toBytes } from "@normless/safetensors";
import { readFileSync } from "node:fs";
import { expect, describe, it } from "vitest";
import {
  configText,
  foldModel,
  type Gpt2Config,
  type HostModel,
  initWeights,
  modelFiles,
  presets,
  standardNorms,
  toEps1e12,
} from "../../src/index.js";
import { entriesOf as entries, type Files, filesOf, readWhole } from "../model-files.js";
import { frozenModel, inMemory, randomModel } from "../../src/testing/index.js";

const config: Gpt2Config = {
  ...presets.base,
  vocabSize: 7,
  blockSize: 5,
  channels: 6,
  inner: 24,
  heads: 3,
  layers: 2,
  eot: 6,
};
const model = randomModel(config, 1);
const frozen = frozenModel(config, 2);
const text = (content: unknown) =>
  new TextEncoder().encode(typeof content === "string" ? content : JSON.stringify(content));
const tokenizerFiles = Object.fromEntries(
  ["vocab.json", "merges.txt"].map((name) => [
    name,
    readFileSync(new URL(`../../../../models/sotu/${name}`, import.meta.url), "utf8"),
  ]),
);

/** Files as another program may have written them. */
async function foreign(tensors: readonly TensorEntry[], hf: object = {}): Promise<Files> {
  const json = { ...(JSON.parse(configText(config, model.norms)) as object), ...hf };
  return { "config.json": text(json), "model.safetensors": await toBytes(tensors) };
}

const read = readWhole;

/** Of a loaded model only what a host model is. */
const host = ({ config, weights, norms }: HostModel): HostModel => ({ config, weights, norms });

describe("modelFiles and readModel", () => {
  it.each([
    ["standard", model],
    ["untied", randomModel({ ...config, tied: false }, 3)],
    ["frozen", frozen],
    ["folded", foldModel(frozen)],
    ["eps 1e12", toEps1e12(frozen)],
  ])("carry a model over whole: %s", async (_, written) => {
    const loaded = await read(await filesOf(written));
    expect(host(loaded)).toEqual(await inMemory(written));
    expect(loaded.tokenizer).toBeUndefined();
  });

  it("write config.json last, and names as transformers does", async () => {
    const files = await filesOf({ ...foldModel(frozen), modelCard: "# A model\n" });
    expect(Object.keys(files)).toEqual(["model.safetensors", "README.md", "config.json"]);
    const header = new TextDecoder().decode(files["model.safetensors"].subarray(8, 3000));
    expect(header).toContain('"__metadata__":{"format":"pt"}');
    expect(header).toContain('"transformer.h.0.attn.c_attn.weight"');
    expect(header).toContain('"lm_head.bias"');
    expect(header).not.toContain("transformer.lm_head");
    expect(new TextDecoder().decode(files["README.md"])).toBe("# A model\n");
  });

  it.each([
    ["F16", 2 ** -11],
    ["BF16", 2 ** -8],
  ] as const)("round to %s when asked to", async (dtype, relative) => {
    const files = await filesOf({ ...model, dtype });
    const { weights } = await read(files);
    for (const [name, { data }] of Object.entries(model.weights)) {
      weights[name].data.forEach((value, i) => {
        expect(Math.abs(value - data[i])).toBeLessThanOrEqual(relative * Math.abs(data[i]) + 2 ** -24);
      });
    }
    expect(JSON.parse(new TextDecoder().decode(files["config.json"]))).toMatchObject({
      torch_dtype: dtype === "F16" ? "float16" : "bfloat16",
    });
  });

  it("refuse float16 for what it cannot hold", async () => {
    await expect(filesOf({ ...toEps1e12(frozen), dtype: "F16" })).rejects.toThrow(
      "parameter h.0.ln_1.weight holds 1000000 at element 0, [0], which F16 cannot hold (its largest is 65504)",
    );
  });

  it("carry a tokenizer over", async () => {
    const wide = { ...config, vocabSize: 4096, eot: 4095 };
    const written = {
      config: wide,
      weights: initWeights(wide, 1),
      norms: standardNorms(wide),
      tokenizerFiles,
    };
    const loaded = await read(await filesOf(written));
    expect(loaded.tokenizerFiles).toEqual(tokenizerFiles);
    const ids = loaded.tokenizer?.encode("We the People") ?? [];
    expect(ids.length).toBeGreaterThan(1);
    expect(loaded.tokenizer?.decode(ids)).toBe("We the People");
  });

  it("refuse to write what is not one model", () => {
    expect(() => modelFiles({ ...model, norms: foldModel(frozen).norms })).toThrow(
      "the norms are folded, but",
    );
    expect(() => modelFiles({ ...foldModel(frozen), norms: model.norms })).toThrow("ln_f.weight is missing");
    expect(() => modelFiles({ ...model, tokenizerFiles: { "config.json": "" } })).toThrow(
      '"config.json" is none of vocab.json',
    );
  });
});

describe("what transformers needs besides", () => {
  it("is the class of a tokenizer, where it does not know the model_type", async () => {
    const named = async (written: HostModel, more = {}) =>
      (await filesOf({ ...written, tokenizerFiles: { ...tokenizerFiles, ...more } }))[
        "tokenizer_config.json"
      ];
    const vocabulary = { ...config, vocabSize: 4096, eot: 4095 };
    const large = frozenModel(vocabulary, 2);
    for (const written of [large, foldModel(large)]) {
      const content = JSON.parse(new TextDecoder().decode(await named(written))) as unknown;
      expect(content).toEqual({ tokenizer_class: "GPT2Tokenizer" });
      const own = '{"tokenizer_class": "Mine"}';
      expect(new TextDecoder().decode(await named(written, { "tokenizer_config.json": own }))).toBe(own);
    }
    expect(await named(toEps1e12(large))).toBeUndefined();
    expect(await filesOf(foldModel(large))).not.toHaveProperty("tokenizer_config.json");
  });

  it("ends a text by generation_config.json, which is said where it is not config.json's end", async () => {
    const notes = async (generation: unknown) =>
      (await read({ ...(await filesOf(model)), "generation_config.json": text(generation) })).notes;
    for (const eos of [6, [6], undefined, null, [9]]) expect(await notes({ eos_token_id: eos })).toEqual([]);
    for (const eos of [5, [6, 5]]) {
      expect(await notes({ eos_token_id: eos })).toEqual([
        expect.stringMatching(
          /^generation_config\.json: eos_token_id is .*; here it ends at 6, as config\.json says/,
        ),
      ]);
    }
    await expect(notes("{")).rejects.toThrow("m: generation_config.json is not JSON");
  });
});

describe("readModel", () => {
  it("takes names with and without the prefix, and leaves out old masks", async () => {
    const masks = ["h.0.attn.bias", "h.1.attn.masked_bias"].map((name): TensorEntry => ({
      name,
      dtype: "U8",
      shape: [1],
      data: new Uint8Array(1),
    }));
    const prefixed = masks.map((mask) => ({ ...mask, name: `transformer.${mask.name}` }));
    const plain = await read(await foreign([...entries(model.weights), ...masks]));
    const long = await read(
      await foreign([...entries(model.weights, (n) => `transformer.${n}`), ...prefixed]),
    );
    expect(host(plain)).toEqual(model);
    expect(host(long)).toEqual(model);
  });

  it("drops a head that is the embedding, and unties the config for one that is not", async () => {
    const head = (data: Float32Array) => ({ ...model.weights, "lm_head.weight": { shape: [7, 6], data } });
    const embedding = model.weights["wte.weight"].data;
    expect(host(await read(await foreign(entries(head(embedding)))))).toEqual(model);
    const other = head(embedding.map((value, i) => (i === 3 ? -value : value)));
    expect(host(await read(await foreign(entries(other))))).toEqual({
      ...model,
      config: { ...config, tied: false },
      weights: other,
    });
  });

  it("keeps a head that the config does not tie, equal or not", async () => {
    const weights = { ...model.weights, "lm_head.weight": model.weights["wte.weight"] };
    const loaded = await read(await foreign(entries(weights), { tie_word_embeddings: false }));
    expect(loaded.config.tied).toBe(false);
    expect(loaded.weights["lm_head.weight"]).toEqual(model.weights["wte.weight"]);
  });

  it("reads shards by their index", async () => {
    const all = entries(model.weights);
    const shards = { "a.safetensors": all.slice(0, 5), "b.safetensors": all.slice(5) };
    const files: Record<string, Uint8Array> = { "config.json": text(configText(config, model.norms)) };
    const map: Record<string, string> = {};
    for (const [file, tensors] of Object.entries(shards)) {
      files[file] = await toBytes(tensors);
      for (const { name } of tensors) map[name] = file;
    }
    files["model.safetensors.index.json"] = text({ weight_map: map });
    expect(host(await read(files))).toEqual(model);
    const { "b.safetensors": _, ...rest } = files;
    await expect(read(rest)).rejects.toThrow(
      "m: there is no b.safetensors, which model.safetensors.index.json lists",
    );
  });

  it("names the parameter, both shapes and the files when the weights are not of the config", async () => {
    await expect(foreign(entries(model.weights), { n_embd: 9 }).then(read)).rejects.toThrow(
      "m: config.json and model.safetensors: parameter wte.weight has shape [7,6], but the config asks for [7,9]",
    );
    await expect(foreign(entries(model.weights), { n_layer: 3 }).then(read)).rejects.toThrow(
      "parameter h.2.ln_1.weight is missing; the config asks for h.2.ln_1.weight [6]",
    );
    await expect(foreign(entries(model.weights), { n_layer: 1 }).then(read)).rejects.toThrow(
      "parameter h.1.ln_1.weight is not part of a GPT-2 of this config",
    );
    const twice = [...entries(model.weights), ...entries(model.weights, (name) => `transformer.${name}`)];
    await expect(foreign(twice).then(read)).rejects.toThrow(
      '"wte.weight" and "transformer.wte.weight" are both',
    );
    await expect(foreign(entries(foldModel(frozen).weights)).then(read)).rejects.toThrow(
      "parameter ln_f.weight is missing, and the norms are not folded",
    );
    await expect(foreign([]).then(read)).rejects.toThrow("parameter wte.weight is missing");
  });

  it("says which file is missing or broken", async () => {
    const files = await foreign(entries(model.weights));
    const { "config.json": hf, "model.safetensors": weights } = files;
    await expect(read({ "model.safetensors": weights })).rejects.toThrow("m: there is no config.json");
    await expect(read({ "config.json": hf })).rejects.toThrow("m: there is no model.safetensors");
    await expect(read({ "config.json": hf, "pytorch_model.bin": weights })).rejects.toThrow(
      "pytorch_model.bin is a pickle",
    );
    const wrong = foreign(entries(model.weights), { n_embd: "big" });
    await expect(wrong.then(read)).rejects.toThrow('m: config.json: n_embd is "big"');
    await expect(read({ ...files, "config.json": text("{") })).rejects.toThrow("m: config.json is not JSON");
    const cut = weights.subarray(0, weights.length - 4);
    await expect(read({ ...files, "model.safetensors": cut })).rejects.toThrow("m/model.safetensors");
    await expect(read({ ...files, "vocab.json": text({}), "merges.txt": text("") })).rejects.toThrow(
      "m: vocab.json",
    );
    const large = Object.fromEntries(
      Object.entries(tokenizerFiles).map(([name, content]) => [name, text(content)]),
    );
    await expect(read({ ...files, ...large })).rejects.toThrow(
      "4096 tokens, but the model's vocabulary is 7",
    );
  });
});
