import { frozenNorm } from "@normless/layernorm";
import { reference } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkModel,
  foldModel,
  freezeAll,
  hasNorms,
  type HostModel,
  isFolded,
  normModules,
  replaceNorm,
  toEps1e12,
} from "../src/index.js";
import { normsOf, tensorsUnder } from "./fixture.js";
import { fixture } from "./gives-pytorchs-values.js";
import { frozenModels, logitsOf, randomFrozenModel, randomModel } from "./models.js";

const { config, weights, expected } = fixture;
const frozen: HostModel = { config, weights, norms: normsOf("frozen_all_unequal", fixture) };

// Folded weights are float32 like all weights on the host, so that even in float64 the logits keep 7 digits at most;
// a channel's relative error of 6e-8 grows with the cancellation in the sums over the channels and layers.
const TOLERANCE = 1e-4;

describe.each([foldModel, toEps1e12])("$name", (convert) => {
  it("keeps the logits, whatever the shape, the weights and the stds", async () => {
    await fc.assert(
      fc.asyncProperty(frozenModels, async (model) => {
        const converted = convert(model);
        checkModel(converted);
        for (const backend of [reference(), reference({ precision: "float32" })]) {
          const logits = await logitsOf(backend, model);
          expectClose(
            `logits on ${backend.description}`,
            await logitsOf(backend, converted),
            logits,
            TOLERANCE,
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  it("keeps them to six digits in a model of ordinary size", async () => {
    const logits = await logitsOf(reference(), frozen);
    expectClose("logits", await logitsOf(reference(), convert(frozen)), logits, 1e-6);
  });

  it("leaves what it is given as it was", () => {
    const before = structuredClone(frozen);
    convert(frozen);
    expect(frozen).toEqual(before);
  });

  it("names the first site that cannot be folded", () => {
    const all = randomFrozenModel(config, 1);
    const standard = { ...all, norms: replaceNorm(all.norms, "h.1.ln_2", { kind: "standard", eps: 1e-5 }) };
    expect(() => convert(standard)).toThrow("the norm at h.1.ln_2 is standard");
    expect(() => convert(randomModel(config, 1))).toThrow("the norm at h.0.ln_1:qk is standard");
    const special = frozenNorm({ first: 3, eot: 1, rest: 2 });
    expect(() => convert({ ...all, norms: replaceNorm(all.norms, "ln_f", special) })).toThrow(
      "the norm at ln_f has constants of its own for special positions (first 3, eot 1, rest 2)",
    );
  });

  it("refuses weights that are not of the config", () => {
    const { "ln_f.weight": _, ...rest } = weights;
    expect(() => convert({ ...frozen, weights: rest })).toThrow("parameter ln_f.weight is missing");
  });
});

describe("foldModel", () => {
  it("gives the weights that PyTorch's matrices give", async () => {
    const folded = foldModel(frozen);
    const wanted = await tensorsUnder(expected, "folded/param/");
    expect(Object.keys(folded.weights).sort()).toEqual(Object.keys(wanted).sort());
    for (const [name, { shape, data }] of Object.entries(wanted)) {
      expect(folded.weights[name].shape).toEqual(shape);
      expectClose(name, folded.weights[name].data, data, 2e-7);
    }
  });

  it("leaves no norm, no gamma and no beta, and a folded model as it is", () => {
    const folded = foldModel(frozen);
    expect(isFolded(folded.norms)).toBe(true);
    expect(hasNorms(folded.weights)).toBe(false);
    expect(folded.config).toEqual({ ...config, tied: false });
    expect(foldModel(folded)).toBe(folded);
  });
});

describe("toEps1e12", () => {
  it("writes what a stock GPT-2 divides by 1e6 and undoes", () => {
    const { config: stock, weights: written, norms } = toEps1e12(frozen);
    expect(stock).toEqual({ ...config, eps: 1e12 });
    expect(new Set(Object.values(norms).map((norm) => JSON.stringify(norm)))).toEqual(
      new Set(['{"kind":"standard","eps":1000000000000}']),
    );
    for (const module of normModules(config).slice(0, -1)) {
      expect(new Set(written[`${module}.weight`].data)).toEqual(new Set([1e6]));
      expect(new Set(written[`${module}.bias`].data)).toEqual(new Set([0]));
    }
    const std = fixture.facts.measured.ln_f.std;
    const gamma = weights["ln_f.weight"].data.map((value) => (value * 1e6) / std);
    expectClose("ln_f.weight", written["ln_f.weight"].data, gamma, 1e-6);
    expect(written["ln_f.bias"].data).toEqual(weights["ln_f.bias"].data);
    expect(written["lm_head.weight"]).toBeUndefined();
  });
});

describe("freezeAll", () => {
  it("freezes every site at its module's std", () => {
    const stds = Object.fromEntries(normModules(config).map((module, i) => [module, i + 1]));
    const norms = freezeAll(frozen.norms, { ...stds, "h.0.ln_1": { first: 4, eot: 5, rest: 6 } });
    expect(norms["h.0.ln_1:qk"]).toEqual({ kind: "frozen", std: { first: 4, eot: 5, rest: 6 } });
    expect(norms["h.0.ln_1:v"]).toEqual(norms["h.0.ln_1:qk"]);
    expect(norms.ln_f).toEqual(frozenNorm(5));
    expect(() => freezeAll(frozen.norms, { ln_f: 1 })).toThrow("there is no std for h.0.ln_1");
  });
});
