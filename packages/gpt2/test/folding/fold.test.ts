import { foldedNorm, frozenNorm } from "@normless/layernorm";
import { reference } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkModel,
  foldFrozen,
  foldModel,
  freezeAll,
  gatherWeights,
  hasNorms,
  type HostModel,
  isFolded,
  memoryFolder,
  modelFiles,
  normModules,
  readModel,
  replaceNorm,
  sitesOf,
  standardNorms,
  toEps1e12,
  type WeightsInMemory,
} from "../../src/index.js";
import { normsOf, tensorsUnder } from "../fixture.js";
import { fixture } from "../gives-pytorchs-values.js";
import { frozenModels, logitsOf, frozenModel, inMemory, randomModel } from "../../src/testing/index.js";

const { config, weights, expected } = fixture;
const frozen: HostModel<WeightsInMemory> = { config, weights, norms: normsOf("frozen_all_unequal", fixture) };

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

  it("leaves what it is given as it was", async () => {
    const before = structuredClone(frozen);
    await inMemory(convert(frozen));
    expect(frozen).toEqual(before);
  });

  it("names the first site that cannot be folded", () => {
    const all = frozenModel(config, 1);
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
    const folded = await inMemory(foldModel(frozen));
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

describe("foldFrozen", () => {
  /** Some norms frozen, the others as they were trained. */
  const partlyFrozen = fc
    .tuple(frozenModels, fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }))
    .map(([model, draws]): HostModel => {
      const standard = standardNorms(model.config);
      const norms = Object.entries(model.norms).map(
        ([site, norm], i) => [site, draws[i] ? standard[site] : norm] as const,
      );
      return { ...model, norms: Object.fromEntries(norms) };
    });

  it("keeps the logits, folds what is frozen, and leaves every LayerNorm", async () => {
    await fc.assert(
      fc.asyncProperty(partlyFrozen, async (model) => {
        const folded = foldFrozen(model);
        checkModel(folded);
        for (const [site, { kind }] of Object.entries(model.norms)) {
          expect(folded.norms[site]).toEqual(kind === "frozen" ? foldedNorm : model.norms[site]);
        }
        // Gamma and beta stay where a LayerNorm reads them, and nowhere else.
        for (const module of normModules(model.config)) {
          const stands = sitesOf(module).some((site) => model.norms[site].kind === "standard");
          expect(`${module}.weight` in folded.weights).toBe(stands);
          expect(`${module}.bias` in folded.weights).toBe(stands);
        }
        expect("lm_head.bias" in folded.weights).toBe(model.norms["ln_f"].kind === "frozen");
        const backend = reference();
        const logits = await logitsOf(backend, model);
        expectClose("logits", await logitsOf(backend, folded), logits, TOLERANCE);
        // What was folded in part can be folded on.
        expect(await inMemory(foldFrozen(folded))).toEqual(await inMemory(folded));
      }),
      { numRuns: 60 },
    );
  });

  it("in two goes gives the logits of one, and without a LayerNorm is foldModel", async () => {
    await fc.assert(
      fc.asyncProperty(partlyFrozen, fc.nat(2 ** 31), async (some, seed) => {
        const model = { ...some, norms: frozenModel(some.config, seed).norms };
        const first = Object.entries(model.norms).map(
          ([site, norm]) => [site, some.norms[site].kind === "frozen" ? norm : some.norms[site]] as const,
        );
        const half = foldFrozen({ ...model, norms: Object.fromEntries(first) });
        const rest = Object.entries(half.norms).map(
          ([site, norm]) => [site, norm.kind === "standard" ? model.norms[site] : norm] as const,
        );
        const whole = foldModel({ ...half, norms: Object.fromEntries(rest) });
        expect(isFolded(whole.norms)).toBe(true);
        expect(whole.config).toEqual(foldModel(model).config);
        const logits = await logitsOf(reference(), model);
        expectClose("logits", await logitsOf(reference(), whole), logits, TOLERANCE);
        expect(await inMemory(foldFrozen(model))).toEqual(await inMemory(foldModel(model)));
      }),
      { numRuns: 40 },
    );
  });

  it("goes into files and comes back", async () => {
    const norms = replaceNorm(frozen.norms, "h.0.ln_1:v", { kind: "standard", eps: config.eps });
    for (const table of [norms, replaceNorm(norms, "ln_f", { kind: "standard", eps: config.eps })]) {
      const folded = foldFrozen({ ...frozen, norms: table });
      const files: Record<string, Uint8Array> = {};
      for (const { name, chunks } of modelFiles(folded)) {
        const parts: Uint8Array[] = [];
        for await (const chunk of chunks) parts.push(chunk.slice());
        files[name] = Buffer.concat(parts);
      }
      const back = await readModel(memoryFolder("folded", files));
      expect(back.norms).toEqual(folded.norms);
      expect(back.config).toEqual(folded.config);
      expect(await gatherWeights(back.weights)).toEqual(await gatherWeights(folded.weights));
      expect(back.layout).toBe("normless");
      expect(Buffer.from(files["config.json"]).toString()).toContain('"model_type": "gpt2-normless"');
    }
  });

  it("names the first norm that depends on the position", () => {
    const special = frozenNorm({ first: 3, eot: 1, rest: 2 });
    const some = replaceNorm(standardNorms(config), "h.1.ln_2", special);
    expect(() => foldFrozen({ ...frozen, norms: some })).toThrow(
      "the norm at h.1.ln_2 has constants of its own",
    );
  });
});

describe("a model's parameters", () => {
  it("are refused where a norm's are missing, or are there for a folded one", () => {
    const norms = replaceNorm(standardNorms(config), "h.0.ln_2", foldedNorm);
    expect(() => checkModel({ config, weights, norms })).toThrow("parameter h.0.ln_2.weight is not part of");
    const { "h.0.ln_2.weight": _gamma, "h.0.ln_2.bias": _beta, ...rest } = weights;
    expect(() => checkModel({ config, weights: rest, norms })).not.toThrow();
    expect(() => checkModel({ config, weights: rest, norms: standardNorms(config) })).toThrow(
      "parameter h.0.ln_2.weight is missing",
    );
    const headless = replaceNorm(standardNorms(config), "ln_f", foldedNorm);
    expect(() => checkModel({ config, weights, norms: headless })).toThrow(
      "parameter lm_head.bias is missing",
    );
  });
});

describe("toEps1e12", () => {
  it("takes blocks that are folded before, and no folded ln_f", async () => {
    const eps = { kind: "standard", eps: config.eps } as const;
    const half = foldFrozen({ ...frozen, norms: replaceNorm(frozen.norms, "ln_f", eps) });
    const rest = { ...half, norms: replaceNorm(half.norms, "ln_f", frozen.norms["ln_f"]) };
    const written = toEps1e12(rest);
    checkModel(written);
    const logits = await logitsOf(reference(), frozen);
    expectClose("logits", await logitsOf(reference(), written), logits, 1e-6);
    const headless = foldFrozen({ ...frozen, norms: replaceNorm(frozen.norms, "h.0.ln_2", eps) });
    const std = frozen.norms["h.0.ln_2"];
    expect(() => toEps1e12({ ...headless, norms: replaceNorm(headless.norms, "h.0.ln_2", std) })).toThrow(
      "the norm at ln_f is folded",
    );
  });

  it("writes what a stock GPT-2 divides by 1e6 and undoes", async () => {
    const { config: stock, weights: written, norms } = await inMemory(toEps1e12(frozen));
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
