/** The residual taken apart, logits and differences of them over positions, neurons, and the logit lens. */
import { sub } from "@normless/autograd";
import { foldModel, type Gpt2Config, type HostModel, type Model } from "@normless/gpt2";
import {
  configsFrom,
  config as tiny,
  frozenModel,
  onDevice,
  randomIds,
  randomModel,
  seeds,
} from "@normless/gpt2/testing";
import { reference } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { engines } from "../engines.js";
import {
  attribute,
  attributeAll,
  decompose,
  logitDifference,
  logitLens,
  runWithCache,
  runWithGradients,
} from "../../src/index.js";

const configs = configsFrom(2);
const sumOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** LayerNorms, frozen norms, and the fold of those. */
function threeOf(config: Gpt2Config, seed: number): HostModel[] {
  const frozen = frozenModel(config, seed);
  return [randomModel(config, seed), frozen, foldModel(frozen)];
}

describe.each(engines)("on %s, for any model", (_, make, tolerance) => {
  const check = async (
    property: (model: Model, ids: number[], exact: boolean) => Promise<void>,
    runs: number,
  ) => {
    const backend = await make();
    await fc.assert(
      fc.asyncProperty(configs, seeds, async (config, seed) => {
        for (const [i, host] of threeOf(config, seed).entries()) {
          const model = await onDevice(backend, host);
          await property(model, randomIds(config, config.blockSize, seed), i > 0);
          for (const param of Object.values(model.params)) param.free();
        }
      }),
      { numRuns: runs },
    );
    await backend.dispose();
  };

  it("what was written adds up to the residual, at every place, with MLPs whole and by neuron", () =>
    check(async (model, ids) => {
      const last = model.config.layers - 1;
      for (const at of [
        "blocks.0.hook_resid_pre",
        `blocks.${last}.hook_resid_mid`,
        `blocks.${last}.hook_resid_post`,
      ] as const) {
        for (const neurons of [false, true]) {
          const { positions } = await decompose(model, ids, { at, neurons });
          expect(positions.map(({ position }) => position)).toEqual(ids.map((_, t) => t));
          for (const { relativeDifference } of positions) expect(relativeDifference).toBeLessThan(tolerance);
        }
      }
    }, 12));

  it("parts add up to a logit and to a difference at every position, and are direct effects where no LayerNorm is", () =>
    check(async (model, ids, exact) => {
      const [token, versus] = [ids[0], (ids[0] + 1) % model.config.vocabSize];
      for (const neurons of [false, true]) {
        for (const found of await attributeAll(model, ids, { token, versus, neurons })) {
          const scale = Math.max(Math.abs(found.logit), ...found.parts.map(({ logit }) => Math.abs(logit)));
          const gap = sumOf(found.parts.map(({ logit }) => logit)) - found.logit;
          // A sum of float32 parts has the digits of the largest of them.
          expect(Math.abs(gap)).toBeLessThan(tolerance * Math.max(scale, 1e-3) * 10);
          expect(found.exact).toBe(exact);
          if (exact) expect(found.offBy).toBe(0);
          for (const part of found.parts) if (exact) expect(part.direct).toBe(part.logit);
        }
      }
    }, 12));

  it("the lens of the last residual is the logits, and its steps are what was written where no LayerNorm is", () =>
    check(async (model, ids, exact) => {
      const positions = ids.map((_, t) => t);
      const lens = await logitLens(model, ids, { positions, middle: true });
      using run = runWithCache(model, ids, []);
      expectClose("last", lens.rows.at(-1)!.logits, await run.logits.read(), tolerance);
      expect(lens).toMatchObject({ exact, positions });
      if (!exact) return expect(lens.rows.at(-1)!.offBy).toBeLessThan(tolerance);
      const V = model.config.vocabSize;
      const largest = Math.max(...lens.rows.flatMap(({ logits }) => [...logits]).map(Math.abs));
      for (const found of await attributeAll(model, ids, { token: 0 })) {
        const at = (row: number) => lens.rows[row].logits[found.position * V];
        const scale = Math.max(largest, ...found.parts.map(({ logit }) => Math.abs(logit)));
        for (let layer = 0; layer < model.config.layers; layer++) {
          const of = (what: RegExp) =>
            sumOf(found.parts.filter(({ name }) => what.test(name)).map(({ logit }) => logit));
          const [attention, mlp] = [of(new RegExp(`^h.${layer}.attn`)), of(new RegExp(`^h.${layer}.mlp`))];
          expect(Math.abs(at(2 * layer + 1) - at(2 * layer) - attention)).toBeLessThan(4 * tolerance * scale);
          expect(Math.abs(at(2 * layer + 2) - at(2 * layer + 1) - mlp)).toBeLessThan(4 * tolerance * scale);
        }
      }
    }, 12));
});

describe("attribute", () => {
  it("of neurons has those of their MLP, and of a difference those of the two", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 4));
    const ids = randomIds(tiny, 9, 4);
    const whole = await attribute(model, ids, { token: 5, versus: 6 });
    const neurons = await attribute(model, ids, { token: 5, versus: 6, neurons: true });
    const [five, six] = [
      await attribute(model, ids, { token: 5 }),
      await attribute(model, ids, { token: 6 }),
    ];
    for (const part of whole.parts.filter(({ kind }) => kind === "mlp")) {
      const own = neurons.parts.filter(({ kind, layer }) => kind === "neuron" && layer === part.layer);
      expect(own).toHaveLength(tiny.inner);
      expect(sumOf(own.map(({ logit }) => logit))).toBeCloseTo(part.logit, 9);
    }
    whole.parts.forEach((part, i) => {
      expect(part.logit).toBeCloseTo(five.parts[i].logit - six.parts[i].logit, 9);
      expect(part.overMean).toBeCloseTo(five.parts[i].overMean - six.parts[i].overMean, 9);
    });
    expect(whole.logit).toBeCloseTo(five.logit - six.logit, 9);
  });

  it("tells what leaving a part out takes away, as a run without it does", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 5));
    const ids = randomIds(tiny, 6, 5);
    const found = await attribute(model, ids, { token: 2, versus: 3, position: 4 });
    const metric = logitDifference(2, 3, { position: 4 });
    const { backend } = model.params["wte.weight"];
    const { positions } = await decompose(model, ids, { positions: [4] });
    let [error, effect] = [0, 0];
    for (const { values, name } of positions[0].parts) {
      const rows = new Float32Array(6 * tiny.channels);
      rows.set(values, 4 * tiny.channels);
      using written = backend.upload(rows, [1, 6, tiny.channels]);
      using run = runWithGradients(model, ids, [], metric, {
        hooks: { "blocks.1.hook_resid_post": (x) => sub(x, written) },
      });
      const part = found.parts.find((one) => one.name === name)!;
      expect(found.logit - (await run.value.item())).toBeCloseTo(part.direct, 5);
      error += Math.abs(part.logit - part.direct);
      effect += Math.abs(part.direct);
    }
    expect(found.offBy).toBeCloseTo(error / effect, 9);
    expect(found.offBy).toBeGreaterThan(0.01);
  });
});

describe("what cannot be", () => {
  it("an exact form behind a LayerNorm, refused with what can be asked for", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 1));
    for (const ask of [attribute, logitLens]) {
      await expect(ask(model, [1, 2], { exact: true })).rejects.toThrow(
        /: there is no exact form here, since the norm at ln_f is standard .* Without `exact` the parts are taken at the std of this text/,
      );
    }
    const folded = await onDevice(reference(), foldModel(frozenModel(tiny, 1)));
    expect((await attribute(folded, [1, 2], { exact: true })).exact).toBe(true);
    expect((await logitLens(folded, [1, 2], { exact: true })).exact).toBe(true);
  });

  it("a position outside of the prompt, a strange token, no text, a place that is not there", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 1));
    await expect(attribute(model, [1, 2], { position: 2 })).rejects.toThrow(
      "attribute: position 2 is outside the prompt, whose 2 positions are 0 to 1, or −2 to −1 from its end",
    );
    await expect(logitLens(model, [1, 2], { positions: [-3] })).rejects.toThrow(
      "logitLens: position -3 is outside",
    );
    await expect(decompose(model, [1, 2], { positions: [0.5] })).rejects.toThrow(
      "decompose: position 0.5 is outside",
    );
    await expect(attribute(model, [1], { versus: 61 })).rejects.toThrow(
      "attribute: token 61 is outside the vocabulary of 61",
    );
    await expect(decompose(model, [], {})).rejects.toThrow("there is no token");
    await expect(decompose(model, [1], { at: "blocks.4.hook_resid_mid" })).rejects.toThrow(
      "the model's blocks are 0 to 1",
    );
  });
});
