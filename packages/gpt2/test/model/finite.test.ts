/** What is no number is refused where it comes in, where it would go out, and where it would be drawn from. */
import { readFileSync } from "node:fs";
import { reference } from "@normless/tensor";
import { fromBytes, readHeader, readTensor, type TensorEntry, toBytes } from "@normless/safetensors";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkFinite,
  configText,
  elementOf,
  foldModel,
  generate,
  type Gpt2Config,
  initWeights,
  NotFiniteError,
  presets,
  sampleToken,
  standardNorms,
  uploadWeights,
  type WeightsInMemory,
} from "../../src/index.js";
import { entriesOf, filesOf, readWhole } from "../model-files.js";
import { frozenModel, inMemory, randomModel } from "../../src/testing/index.js";

const config: Gpt2Config = {
  ...presets.base,
  vocabSize: 7,
  blockSize: 5,
  channels: 2,
  inner: 8,
  heads: 1,
  layers: 1,
  eot: 6,
};
const norms = standardNorms(config);
const model = { config, norms, weights: initWeights(config, 1) };

/** The weights with one value changed. */
function changed(weights: WeightsInMemory, name: string, index: number, value: number): WeightsInMemory {
  const data = weights[name].data.slice();
  data[index] = value;
  return { ...weights, [name]: { ...weights[name], data } };
}

/** Reads a model of these tensors. */
async function read(tensors: readonly TensorEntry[]) {
  const json = new TextEncoder().encode(configText(config, norms));
  return readWhole({ "config.json": json, "model.safetensors": await toBytes(tensors) });
}

describe("checkFinite", () => {
  const text = { what: "values", place: (at: number) => `${at}`, advice: "mend them" };

  it("names the first that is NaN or infinite, and takes all else, however large", () => {
    const value = fc.oneof(
      { weight: 20, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }) },
      { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, -Infinity, 3.4e38, -3.4e38) },
    );
    fc.assert(
      fc.property(fc.array(value, { maxLength: 30 }), (list) => {
        const at = list.findIndex((one) => !Number.isFinite(one));
        const check = () => checkFinite(Float32Array.from(list), text);
        if (at < 0) check();
        else expect(check).toThrow(`values holds ${list[at]} at ${at}; mend them`);
      }),
    );
    checkFinite(new Float32Array(10_000).fill(3.4e38), text);
  });

  it("tells an element's place as an index and in every dimension", () => {
    expect([0, 5, 23].map(elementOf([2, 3, 4]))).toEqual([
      "element 0, [0, 0, 0]",
      "element 5, [0, 1, 1]",
      "element 23, [1, 2, 3]",
    ]);
  });
});

describe("a model that is read", () => {
  it.each(Object.keys(model.weights))("is refused when %s has a value that is none", async (name) => {
    const { shape, data } = model.weights[name];
    for (const [index, value] of [
      [0, NaN],
      [data.length - 1, -Infinity],
    ]) {
      const files = read(
        entriesOf(changed(model.weights, name, index, value), (own) => `transformer.${own}`),
      );
      await expect(files).rejects.toThrow(NotFiniteError);
      await expect(files).rejects.toThrow(
        `m/model.safetensors: parameter ${name} holds ${value} at ${elementOf(shape)(index)}; a model computes nothing`,
      );
    }
  });

  it("is refused with nan.safetensors for a weight: element 1, NaN", async () => {
    const file = fromBytes(readFileSync(new URL("../fixtures/nan.safetensors", import.meta.url)));
    const data = await readTensor(file, await readHeader(file), "a");
    const others = entriesOf(model.weights).filter(({ name }) => name !== "ln_f.bias");
    await expect(read([...others, { name: "ln_f.bias", dtype: "F32", shape: [2], data }])).rejects.toThrow(
      "m/model.safetensors: parameter ln_f.bias holds NaN at element 1, [1]; ",
    );
  });

  it("is told what float16 does to large values", async () => {
    const tensors = entriesOf(changed(model.weights, "wpe.weight", 3, 1e5)).map((entry): TensorEntry => ({
      ...entry,
      dtype: "F16",
    }));
    await expect(read(tensors)).rejects.toThrow(
      /parameter wpe\.weight holds Infinity at element 3, \[1, 1\]; .* float16 has Infinity for what is above 65504/,
    );
  });

  it("names the shard that has it", async () => {
    const files = await filesOf({ ...model, shardBytes: 40 });
    // Its last bytes are those of the last parameter, in the last shard.
    const shard = Object.keys(files).findLast((name) => name.endsWith(".safetensors"))!;
    const { buffer, length } = files[shard];
    new DataView(buffer).setFloat32(length - 4, NaN, true);
    await expect(readWhole(files)).rejects.toThrow(
      `m/${shard}: parameter ln_f.bias holds NaN at element 1, [1]`,
    );
  });

  it("is refused with a tensor of a dtype that is not read, by its name, be it a parameter or one too many", async () => {
    const json = new TextEncoder().encode(configText(config, norms));
    /** With a tensor of float8, which `toBytes` does not write, in the place of one of bytes. */
    const refused = async (tensors: readonly TensorEntry[], name: string, shape: number[]) => {
      const bytes = await toBytes([
        ...tensors,
        { name, dtype: "U8", shape, data: new Uint8Array(shape.reduce((a, b) => a * b, 1)) },
      ]);
      const end = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
      const header = new TextDecoder().decode(bytes.subarray(8, end)).replace('"U8"', '"F8_E4M3"');
      const length = new DataView(new ArrayBuffer(8));
      length.setBigUint64(0, BigInt(header.length), true);
      const file = Buffer.concat([Buffer.from(length.buffer), Buffer.from(header), bytes.subarray(end)]);
      return readWhole({ "config.json": json, "model.safetensors": file });
    };
    const all = entriesOf(model.weights);
    await expect(refused(all, "scale_inv", [3])).rejects.toThrow(
      "m: config.json and model.safetensors: parameter scale_inv is not part of a GPT-2 of this config",
    );
    const others = all.filter(({ name }) => name !== "ln_f.bias");
    await expect(refused(others, "ln_f.bias", [2])).rejects.toThrow(
      'm/model.safetensors: tensor "ln_f.bias" is "F8_E4M3", which is not read here',
    );
  });
});

describe("a model that is written", () => {
  it("is refused when a parameter has a value that is none, in every dtype and by every name", async () => {
    for (const dtype of ["F32", "F16", "BF16"] as const) {
      for (const value of [NaN, Infinity]) {
        const weights = changed(model.weights, "h.0.mlp.c_fc.weight", 9, value);
        await expect(filesOf({ ...model, weights, dtype })).rejects.toThrow(
          `parameter h.0.mlp.c_fc.weight holds ${value} at element 9, [1, 1]; such a model is not written`,
        );
      }
    }
    const folded = await inMemory(foldModel(frozenModel(config, 2)));
    const weights = changed(folded.weights, "lm_head.bias", 0, NaN);
    await expect(filesOf({ ...folded, weights, names: "transformer-lens" })).rejects.toThrow(
      /holds NaN at element/,
    );
  });

  it("is refused when a dtype would make its largest values infinite, and not at the last that it holds", async () => {
    for (const [dtype, most, instead] of [
      ["F16", 65519, "F32 or BF16"],
      ["BF16", 3.394e38, "F32"],
    ] as const) {
      await filesOf({ ...model, weights: changed(model.weights, "ln_f.bias", 1, most), dtype });
      const above = changed(model.weights, "ln_f.bias", 1, most * 1.001);
      await expect(filesOf({ ...model, weights: above, dtype })).rejects.toThrow(
        new RegExp(
          `parameter ln_f\\.bias holds .* at element 1, \\[1\\], which ${dtype} cannot hold .*; write ${instead}$`,
        ),
      );
      await filesOf({ ...model, weights: above });
    }
  });

  it("is refused when folding took a weight past the largest float", async () => {
    const frozen = frozenModel(config, 2);
    const weights = changed(
      changed(frozen.weights, "h.0.ln_2.weight", 0, 1e30),
      "h.0.mlp.c_fc.weight",
      0,
      1e30,
    );
    await expect(filesOf(foldModel({ ...frozen, weights }))).rejects.toThrow(
      /parameter h\.0\.mlp\.c_fc\.weight holds -?Infinity at element \d+, .*; .* of folding/,
    );
  });
});

describe("a token", () => {
  it("is not drawn from logits that are no numbers, and the error names the id and which token it was to be", async () => {
    const { weights } = randomModel(config, 3);
    const params = await uploadWeights(reference({ precision: "float32" }), {
      ...changed(weights, "wte.weight", 9, 3e38),
      "ln_f.weight": { shape: [2], data: Float32Array.of(3e38, 3e38) },
    });
    const tokens = generate({ config, norms, params }, [1, 2], { maxTokens: 3 });
    await expect(tokens.next()).rejects.toThrow(NotFiniteError);
    const again = generate({ config, norms, params }, [1, 2], { maxTokens: 3 });
    await expect(again.next()).rejects.toThrow(
      /^generate: the row of logits for token 1 after the prompt holds (NaN|-?Infinity) at id \d; the weights are numbers, /,
    );
  });

  it("is never one whose logit is −Infinity, and is refused where a logit is NaN or Infinity", () => {
    const draws = [0, 0.5, 0.999].flatMap((uniform) =>
      [{}, { temperature: 0 }, { topK: 2 }, { topP: 0.9 }].map((sampling) =>
        sampleToken([-Infinity, 1, -Infinity, 0.5], uniform, sampling),
      ),
    );
    expect(new Set(draws)).toEqual(new Set([1, 3]));
    for (const value of [NaN, Infinity]) {
      expect(() => sampleToken([0, -Infinity, value, value], 0.5)).toThrow(
        `a row of logits holds ${value} at id 2; `,
      );
    }
    expect(() => sampleToken([-Infinity, -Infinity], 0.5)).toThrow("every logit is −Infinity");
  });
});
