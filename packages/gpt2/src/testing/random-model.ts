/** Tiny models with random shapes, weights and frozen stds, for properties. */
import {
  freezeAll,
  type Gpt2Config,
  type HostModel,
  type Model,
  normModules,
  parameterShapes,
  replaceNorm,
  standardNorms,
  uploadWeights,
} from "../index.js";
import { frozenNorm } from "@normless/layernorm";
import { type Backend, sizeOf } from "@normless/tensor";
import { randomAt } from "@normless/random";
import fc from "fast-check";

/** Small shapes of all kinds. */
export const configs: fc.Arbitrary<Gpt2Config> = fc
  .record({
    vocabSize: fc.integer({ min: 2, max: 9 }),
    blockSize: fc.integer({ min: 2, max: 6 }),
    headSize: fc.integer({ min: 2, max: 4 }),
    heads: fc.integer({ min: 1, max: 3 }),
    layers: fc.integer({ min: 1, max: 2 }),
    inner: fc.integer({ min: 1, max: 9 }),
    gelu: fc.constantFrom("tanh" as const, "none" as const),
    tied: fc.boolean(),
    hasEot: fc.boolean(),
    attention: fc.constantFrom<Pick<Gpt2Config, "scaleAttnWeights" | "scaleAttnByInverseLayerIdx">>(
      {},
      { scaleAttnWeights: false },
      { scaleAttnByInverseLayerIdx: true },
    ),
  })
  .map(({ headSize, hasEot, attention, ...rest }) => ({
    ...rest,
    ...attention,
    channels: headSize * rest.heads,
    eps: 1e-5,
    eot: hasEot ? rest.vocabSize - 1 : undefined,
  }));

/** With LayerNorms: every parameter drawn, gamma and beta too, of about the size that a trained model's have. */
export function randomModel(config: Gpt2Config, seed: number): HostModel {
  const weights = Object.entries(parameterShapes(config, { norms: true })).map(([name, shape], i) => {
    const random = randomAt(seed, i);
    const mean = /ln_(1|2|f)\.weight$/.test(name) ? 1 : 0;
    const data = Float32Array.from({ length: sizeOf(shape) }, () => mean + 0.4 * random.normal());
    return [name, { shape, data }] as const;
  });
  return { config, weights: Object.fromEntries(weights), norms: standardNorms(config) };
}

/** The same with every norm frozen, at stds from 0.5 to 2 that differ between the two paths of a ln_1. */
export function frozenModel(config: Gpt2Config, seed: number): HostModel {
  const model = randomModel(config, seed);
  const random = randomAt(seed, 1000);
  const std = () => Math.exp((2 * random.uniform() - 1) * Math.log(2));
  const stds = Object.fromEntries(normModules(config).map((module) => [module, std()]));
  return { ...model, norms: replaceNorm(freezeAll(model.norms, stds), "h.0.ln_1:v", frozenNorm(std())) };
}

/** Seeds for weights and texts. */
export const seeds = fc.nat(2 ** 31);

/** A model with its weights on a backend; the caller's to free. */
export function onDevice(backend: Backend, { config, norms, weights }: HostModel): Model {
  return { config, norms, params: uploadWeights(backend, weights) };
}

/** Ids below the vocabulary. */
export function randomIds(config: Gpt2Config, length: number, seed: number): number[] {
  const random = randomAt(seed, 2000);
  return Array.from({ length }, () => random.below(config.vocabSize));
}
