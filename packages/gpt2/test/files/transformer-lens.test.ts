import { toBytes } from "@normless/safetensors";
import { reference } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  centreWriters,
  configText,
  foldModel,
  fromTransformerLens,
  gatherWeights,
  modelFiles,
  toTransformerLens,
} from "../../src/index.js";
import { entriesOf, filesOf, readWhole } from "../model-files.js";
import { frozenModels, logitsOf, frozenModel, inMemory } from "../../src/testing/index.js";
import { naiveLens } from "../naive-lens.js";

const config = {
  vocabSize: 5,
  blockSize: 4,
  channels: 6,
  layers: 1,
  heads: 2,
  inner: 8,
  gelu: "tanh" as const,
  eps: 1e-5,
  tied: true,
  eot: 4,
};
const folded = await inMemory(foldModel(frozenModel(config, 1)));

describe("toTransformerLens", () => {
  it("gives TransformerLens's names and shapes", () => {
    const shapes = Object.entries(toTransformerLens(folded)).map(([name, { shape }]) => [name, shape]);
    expect(Object.fromEntries(shapes)).toEqual({
      "embed.W_E": [5, 6],
      "pos_embed.W_pos": [4, 6],
      "blocks.0.attn.W_Q": [2, 6, 3],
      "blocks.0.attn.W_K": [2, 6, 3],
      "blocks.0.attn.W_V": [2, 6, 3],
      "blocks.0.attn.W_O": [2, 3, 6],
      "blocks.0.attn.b_Q": [2, 3],
      "blocks.0.attn.b_K": [2, 3],
      "blocks.0.attn.b_V": [2, 3],
      "blocks.0.attn.b_O": [6],
      "blocks.0.mlp.W_in": [6, 8],
      "blocks.0.mlp.b_in": [8],
      "blocks.0.mlp.W_out": [8, 6],
      "blocks.0.mlp.b_out": [6],
      "unembed.W_U": [6, 5],
      "unembed.b_U": [5],
    });
  });

  it("puts each value where TransformerLens reads it", async () => {
    const lens = await gatherWeights(toTransformerLens(folded));
    const { weights } = folded;
    const [C, H, D] = [6, 2, 3];
    for (const [part, letter] of ["Q", "K", "V"].entries()) {
      for (let h = 0; h < H; h++) {
        for (let d = 0; d < D; d++) {
          const column = part * C + h * D + d;
          expect(lens[`blocks.0.attn.b_${letter}`].data[h * D + d]).toBe(
            weights["h.0.attn.c_attn.bias"].data[column],
          );
          for (let c = 0; c < C; c++) {
            expect(lens[`blocks.0.attn.W_${letter}`].data[(h * C + c) * D + d]).toBe(
              weights["h.0.attn.c_attn.weight"].data[c * 3 * C + column],
            );
          }
        }
      }
    }
    for (let v = 0; v < 5; v++) {
      for (let c = 0; c < C; c++) {
        expect(lens["unembed.W_U"].data[c * 5 + v]).toBe(weights["lm_head.weight"].data[v * C + c]);
      }
    }
    expect(lens["blocks.0.attn.W_O"].data).toEqual(weights["h.0.attn.c_proj.weight"].data);
  });

  it("gives, by TransformerLens's own formulas, the logits of the model with its frozen norms", async () => {
    const shape = { ...config, layers: 2, heads: 3 };
    const frozen = frozenModel(shape, 7);
    const ids = Array.from({ length: shape.blockSize }, (_, t) => (3 * t + 1) % shape.vocabSize);
    const logits = naiveLens(await gatherWeights(toTransformerLens(foldModel(frozen))), shape, ids).flat();
    expectClose("logits", Float64Array.from(logits), await logitsOf(reference(), frozen), 1e-5);
  });

  it("is undone by fromTransformerLens, and by a folder, for any model", async () => {
    await fc.assert(
      fc.asyncProperty(frozenModels, async (model) => {
        const written = await inMemory(foldModel(model));
        const back = fromTransformerLens(written.config, toTransformerLens(written), "m");
        expect(await gatherWeights(back)).toEqual(written.weights);
        const files = await filesOf({ ...written, names: "transformer-lens" });
        const { config, weights, norms, layout } = await readWhole(files);
        expect({ config, weights, norms }).toEqual(written);
        expect(layout).toBe("transformer-lens");
      }),
      { numRuns: 25 },
    );
  });

  it("refuses a model with norms", () => {
    const frozen = frozenModel(config, 1);
    expect(() => toTransformerLens(frozen)).toThrow("fold the model before");
    expect(() => modelFiles({ ...frozen, names: "transformer-lens" })).toThrow("fold the model before");
  });
});

describe("reading TransformerLens's names", () => {
  const hf = (norms = folded.norms) => new TextEncoder().encode(configText(config, norms));
  const read = async (weights: ReturnType<typeof toTransformerLens>, json = hf()) => {
    const files = { "config.json": json, "model.safetensors": await toBytes(entriesOf(weights)) };
    return readWhole(files);
  };

  it("leaves out the causal masks", async () => {
    const mask = { shape: [4, 4], data: new Float32Array(16) };
    const { weights } = await read({ ...toTransformerLens(folded), "blocks.0.attn.mask": mask });
    expect(weights).toEqual(folded.weights);
  });

  it("names what is missing, too many, or of another shape", async () => {
    const { "blocks.0.attn.W_K": _, ...rest } = toTransformerLens(folded);
    await expect(read(rest)).rejects.toThrow(
      "parameter blocks.0.attn.W_K is missing; the config asks for blocks.0.attn.W_K [2,6,3]",
    );
    const flat = { shape: [6, 6], data: new Float32Array(36) };
    await expect(read({ ...rest, "blocks.0.attn.W_K": flat })).rejects.toThrow("has shape [6,6]");
    const whole = toTransformerLens(folded);
    await expect(read({ ...whole, "blocks.1.attn.W_K": flat })).rejects.toThrow(
      "parameter blocks.1.attn.W_K is not part of",
    );
    const { norms } = frozenModel(config, 1);
    await expect(read(whole, hf(norms))).rejects.toThrow("does not say that the norms are folded");
  });
});

describe("centreWriters", () => {
  it("leaves the logits, and nothing written with a mean", async () => {
    await fc.assert(
      fc.asyncProperty(frozenModels, async (model) => {
        const written = foldModel(model);
        const centred = await inMemory(centreWriters(written));
        const logits = await logitsOf(reference(), written);
        expectClose("logits", await logitsOf(reference(), centred), logits, 1e-4);
        for (const [name, { shape, data }] of Object.entries(centred.weights)) {
          if (!/^w[tp]e|c_proj/.test(name)) continue;
          const C = shape[shape.length - 1];
          for (let r = 0; r < data.length; r += C) {
            const sum = data.subarray(r, r + C).reduce((a, b) => a + b, 0);
            expect(Math.abs(sum)).toBeLessThan(1e-5 * C);
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  it("refuses a model with norms", () => {
    expect(() => centreWriters(frozenModel(config, 1))).toThrow("fold it before");
  });
});
