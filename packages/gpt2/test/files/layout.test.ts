import { frozenNorm, standardNorm } from "@normless/layernorm";
import { reference } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import { type TensorEntry, toBytes } from "@normless/safetensors";
import { describe, expect, it } from "vitest";
import {
  configText,
  describeLayout,
  detectLayout,
  foldModel,
  gatherWeights,
  type HostModel,
  memoryFolder,
  normModules,
  readModel,
  replaceNorm,
  sitesWithoutNorm,
  standardNorms,
  type TensorInMemory,
  toEps1e12,
  type WeightsInMemory,
  withFrozenNames,
} from "../../src/index.js";
import { entriesOf, filesOf, readWhole } from "../model-files.js";
import { logitsOf, frozenModel, randomModel } from "../../src/testing/index.js";

const config = {
  vocabSize: 7,
  blockSize: 5,
  channels: 6,
  layers: 2,
  heads: 3,
  inner: 24,
  gelu: "tanh" as const,
  eps: 1e-5,
  tied: true,
  eot: 6,
};
const C = config.channels;
const model = randomModel(config, 1);
/** Frozen at one std a module, as the 2025 form can hold. */
const frozen: HostModel<WeightsInMemory> = (() => {
  const all = frozenModel(config, 2);
  return { ...all, norms: replaceNorm(all.norms, "h.0.ln_1:v", all.norms["h.0.ln_1:qk"]) };
})();
const stdOf = (module: string) => {
  const norm = frozen.norms[module] ?? frozen.norms[`${module}:qk`];
  return norm.kind === "frozen" ? norm.std.rest : NaN;
};

/** As `remove_layernorm_by_scaling` of the 2025 code makes it: gamma·1e6/std, beta as it is. */
function form2025(): HostModel {
  const weights: Record<string, TensorInMemory> = { ...frozen.weights };
  for (const module of normModules(config)) {
    const { shape, data } = weights[`${module}.weight`];
    weights[`${module}.weight`] = { shape, data: data.map((gamma) => (gamma * 1e6) / stdOf(module)) };
  }
  const huge = { ...config, eps: 1e12 };
  return { config: huge, weights, norms: standardNorms(huge) };
}

const readBack = async (written: HostModel) => readWhole(await filesOf(written));

describe("a model read from a folder", () => {
  it.each([
    ["standard", model],
    ["eps-1e12-folded", toEps1e12(frozen)],
    ["eps-1e12-gamma", form2025()],
    ["normless", frozen],
    ["normless", foldModel(frozen)],
    ["normless", { ...model, norms: replaceNorm(model.norms, "ln_f", frozenNorm(2)) }],
  ] as const)("is told to be %s", async (layout, written) => {
    expect((await readBack(written)).layout).toBe(layout);
    expect(await detectLayout(written)).toBe(layout);
    expect(describeLayout(layout)).not.toBe("");
  });

  it("is said to be LN-free where its config looks like any GPT-2's", async () => {
    const said = async (written: HostModel) => (await readBack(written)).notes;
    expect(await said(toEps1e12(frozen))).toEqual([
      expect.stringMatching(
        /^config\.json: layer_norm_epsilon is 1e12, so that none of its 7 norms is a LayerNorm; LN-free as published in 2024/,
      ),
    ]);
    expect(await said(form2025())).toEqual([
      expect.stringMatching(/none of its 7 norms.*LN-free as published in 2025/),
    ]);
    for (const plain of [model, frozen, foldModel(frozen)]) expect(await said(plain)).toEqual([]);
  });

  it("is of the 2024 form in bfloat16, too, which rounds 1e6", async () => {
    const files = await filesOf({ ...toEps1e12(frozen), dtype: "BF16" });
    const read = await readWhole(files);
    expect(read.weights["h.0.ln_1.weight"].data[0]).toBe(999424);
    expect(read.layout).toBe("eps-1e12-folded");
  });

  it("of the 2025 form computes what the frozen model does, and folds", async () => {
    const read = withFrozenNames(await readBack(form2025()));
    const logits = await logitsOf(reference(), frozen);
    expectClose("frozen by name", await logitsOf(reference(), read), logits, 1e-5);
    expectClose("folded", await logitsOf(reference(), foldModel(read)), logits, 1e-5);
  });

  it("is refused when its epsilon was lost", async () => {
    const lost = { ...form2025(), config, norms: model.norms };
    await expect(readBack(lost)).rejects.toThrow(
      /config\.json: layer_norm_epsilon is 0\.00001, but h\.0\.ln_1\.weight is about \d.*Write "layer_norm_epsilon": 1e12/,
    );
  });
});

it("sites without a norm are those that are frozen, folded, or have an epsilon of 1e12", () => {
  expect(sitesWithoutNorm(model)).toEqual([]);
  expect(sitesWithoutNorm({ norms: replaceNorm(model.norms, "ln_f", frozenNorm(2)) })).toEqual(["ln_f"]);
  for (const all of [frozen, foldModel(frozen), toEps1e12(frozen), form2025()]) {
    expect(sitesWithoutNorm(all)).toEqual(Object.keys(model.norms));
  }
});

describe("withFrozenNames", () => {
  it("calls norms with an epsilon of 1e12 frozen, and leaves others", () => {
    expect(withFrozenNames(form2025()).norms["h.1.ln_2"]).toEqual(frozenNorm(1e6));
    expect(withFrozenNames(model).norms).toEqual(model.norms);
  });
});

describe("a checkpoint of the 2025 training", () => {
  const flag = (name: string, value: number): TensorEntry => ({
    name: `transformer.${name}`,
    dtype: "BOOL",
    shape: [],
    data: Uint8Array.of(value),
  });
  const vector = (name: string, values: readonly number[]): TensorEntry => ({
    name: `transformer.${name}`,
    dtype: "F32",
    shape: [values.length],
    data: Float32Array.from(values),
  });
  const uniform = (std: number, length = C) => Array<number>(length).fill(std);

  /** Everything that FakeLayerNorm keeps, with `change` over it. */
  async function checkpoint(change: readonly TensorEntry[] = [], gone: readonly string[] = []) {
    const buffers = normModules(config).flatMap((module) => [
      flag(`${module}.is_fake`, 1),
      flag(`${module}.attn_v_is_fake`, module.endsWith("ln_1") ? 1 : 0),
      flag(`${module}.bos_special_treatment`, 0),
      vector(`${module}.real_average_std`, [9]),
      vector(`${module}.real_bos_std`, [9]),
      vector(`${module}.global_step`, [300]),
      vector(`${module}.average_std_buffer`, uniform(stdOf(module))),
      vector(`${module}.bos_std_buffer`, uniform(stdOf(module))),
    ]);
    const changed = new Map([...buffers, ...change].map((entry) => [entry.name, entry]));
    for (const name of gone) changed.delete(`transformer.${name}`);
    const tensors = [...entriesOf(frozen.weights, (name) => `transformer.${name}`), ...changed.values()];
    const hf = new TextEncoder().encode(configText(config, model.norms));
    const files = { "config.json": hf, "model.safetensors": await toBytes(tensors) };
    return readModel(memoryFolder("m", files));
  }

  it("has its norms told by the buffers", async () => {
    const read = await checkpoint();
    expect(read.layout).toBe("training-checkpoint");
    expect(await gatherWeights(read.weights)).toEqual(frozen.weights);
    const logits = await logitsOf(reference(), frozen);
    expectClose("logits", await logitsOf(reference(), read), logits, 1e-6);
    expect(read.notes).toEqual([
      expect.stringMatching(/^7 of its 7 norms are frozen: it is a checkpoint of the 2025 training/),
    ]);
  });

  it("keeps the norms that are still real, and tells the paths of ln_1 apart", async () => {
    const { norms } = await checkpoint([
      flag("h.0.ln_1.attn_v_is_fake", 0),
      flag("h.1.ln_1.is_fake", 0),
      flag("ln_f.is_fake", 0),
    ]);
    const std = (module: string) => frozenNorm(Math.fround(stdOf(module)));
    expect(norms).toMatchObject({
      "h.0.ln_1:qk": std("h.0.ln_1"),
      "h.0.ln_1:v": standardNorm(1e-5),
      "h.0.ln_2": std("h.0.ln_2"),
      "h.1.ln_1:qk": standardNorm(1e-5),
      "h.1.ln_1:v": std("h.1.ln_1"),
      ln_f: standardNorm(1e-5),
    });
  });

  it("gives end-of-text a constant of its own on the value path, and the first position where it has one", async () => {
    const { norms } = await checkpoint([
      vector("h.0.ln_1.bos_std_buffer", uniform(4)),
      vector("h.0.ln_1.average_std_buffer", uniform(2)),
      vector("h.1.ln_2.average_std_buffer", [8, ...uniform(2, config.blockSize - 1)]),
    ]);
    expect(norms["h.0.ln_1:qk"]).toEqual(frozenNorm(2));
    expect(norms["h.0.ln_1:v"]).toEqual(frozenNorm({ first: 2, eot: 4, rest: 2 }));
    expect(norms["h.1.ln_2"]).toEqual(frozenNorm({ first: 8, eot: 2, rest: 2 }));
  });

  it("keeps channel 0's own constant, as the published code's bug makes it, and refuses any other channel's", async () => {
    const { norms } = await checkpoint([vector("h.1.ln_2.average_std_buffer", [92, ...uniform(2, C - 1)])]);
    expect(norms["h.1.ln_2"]).toEqual(frozenNorm(2, 92));
    await expect(checkpoint([vector("ln_f.average_std_buffer", [2, 2, 3, 2, 2, 2])])).rejects.toThrow(
      "channel 2 is 3, and the others are 2",
    );
  });

  it("is none where no buffer says what is frozen: then the tensor is a stranger", async () => {
    const tensors = [...entriesOf(model.weights), vector("h.0.ln_1.extra", [1])];
    const files = { ...(await filesOf(model)), "model.safetensors": await toBytes(tensors) };
    await expect(readModel(memoryFolder("m", files))).rejects.toThrow(
      "tensor transformer.h.0.ln_1.extra is no parameter of a GPT-2, and no buffer says which norms are frozen",
    );
  });

  it("is refused without a std, and when it is of the training that did not subtract the mean", async () => {
    await expect(checkpoint([], ["h.0.ln_2.average_std_buffer"])).rejects.toThrow(
      "h.0.ln_2.is_fake says that the norm is frozen, but there is no h.0.ln_2.average_std",
    );
    await expect(checkpoint([flag("h.0.ln_1.mode_buffer", 1)])).rejects.toThrow("did not subtract the mean");
  });
});
