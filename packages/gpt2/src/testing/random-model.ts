/** Tiny models with random shapes, weights and frozen stds, for properties. */
import { evaluate } from "@normless/autograd";
import { frozenNorm } from "@normless/layernorm";
import { type Backend, sizeOf } from "@normless/tensor";
import { randomAt } from "@normless/random";
import fc from "fast-check";
import {
  forward,
  freeParams,
  freeTokens,
  freezeAll,
  gatherWeights,
  type Gpt2Config,
  type HostModel,
  type Model,
  normModules,
  parameterShapes,
  replaceNorm,
  standardNorms,
  uploadTokens,
  uploadWeights,
  type WeightsInMemory,
} from "../index.js";

/** Seeds for weights and texts. */
export const seeds = fc.nat(2 ** 31);

/** What a config may say of attention. */
export const attentions = fc.constantFrom<
  Pick<Gpt2Config, "scaleAttnWeights" | "scaleAttnByInverseLayerIdx" | "reorderAndUpcastAttn">
>(
  {},
  { scaleAttnWeights: false },
  { scaleAttnByInverseLayerIdx: true },
  { reorderAndUpcastAttn: true },
  { scaleAttnByInverseLayerIdx: true, reorderAndUpcastAttn: true },
  { scaleAttnWeights: false, scaleAttnByInverseLayerIdx: true },
);

/** Small shapes of all kinds, with so many tokens, positions and channels a head at least. */
export const configsFrom = (least: number): fc.Arbitrary<Gpt2Config> =>
  fc
    .record({
      vocabSize: fc.integer({ min: least, max: 9 }),
      blockSize: fc.integer({ min: least, max: 6 }),
      headSize: fc.integer({ min: least, max: 4 }),
      heads: fc.integer({ min: 1, max: 3 }),
      layers: fc.integer({ min: 1, max: 2 }),
      inner: fc.integer({ min: 1, max: 9 }),
      gelu: fc.constantFrom("tanh" as const, "none" as const),
      tied: fc.boolean(),
      /** Ids that end a text. */
      stops: fc.integer({ min: 0, max: 3 }),
      attention: attentions,
    })
    .map(({ headSize, stops, attention, ...rest }) => {
      const ids = Array.from({ length: Math.min(stops, rest.vocabSize) }, (_, i) => rest.vocabSize - 1 - i);
      return {
        ...rest,
        ...attention,
        channels: headSize * rest.heads,
        eps: 1e-5,
        eot: ids[0],
        ...(ids.length > 1 && { eosTokenIds: ids }),
      };
    });

/** Down to size 1. */
export const configs = configsFrom(1);

/** With LayerNorms: every parameter drawn, gamma and beta too, of about the size that a trained model's have. */
export function randomModel(config: Gpt2Config, seed: number): HostModel<WeightsInMemory> {
  const shapes = Object.entries(parameterShapes(config, { norms: true }));
  const weights = shapes.map(([name, shape], i) => {
    const random = randomAt(seed, i);
    const mean = /ln_(1|2|f)\.weight$/.test(name) ? 1 : 0;
    return [
      name,
      { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => mean + 0.4 * random.normal()) },
    ] as const;
  });
  return { config, weights: Object.fromEntries(weights), norms: standardNorms(config) };
}

/** The same with every norm frozen, at stds from 0.3 to 3 that differ between the two paths of a ln_1. */
export function frozenModel(config: Gpt2Config, seed: number): HostModel<WeightsInMemory> {
  const model = randomModel(config, seed);
  const random = randomAt(seed, 1000);
  const std = () => Math.exp((2 * random.uniform() - 1) * Math.log(3));
  const stds = Object.fromEntries(normModules(config).map((module) => [module, std()]));
  return {
    ...model,
    norms: replaceNorm(freezeAll(model.norms, stds), "h.0.ln_1:v", frozenNorm(std())),
  };
}

/** Frozen models of all shapes. */
export const frozenModels = fc.tuple(configs, seeds).map((drawn) => frozenModel(...drawn));

/** The same with all its weights in memory. */
export async function inMemory(model: HostModel): Promise<HostModel<WeightsInMemory>> {
  return { ...model, weights: await gatherWeights(model.weights) };
}

/** A model with its weights on a backend; the caller's to free. */
export async function onDevice(backend: Backend, { config, norms, weights }: HostModel): Promise<Model> {
  return { config, norms, params: await uploadWeights(backend, weights) };
}

/** Ids below the vocabulary. */
export function randomIds(config: Gpt2Config, length: number, seed: number): number[] {
  const random = randomAt(seed, 2000);
  return Array.from({ length }, () => random.below(config.vocabSize));
}

/** Logits of one sequence of the whole context that holds every id in turn, (1,T,V). */
export async function logitsOf(backend: Backend, host: HostModel): Promise<Float64Array> {
  const { config } = host;
  const T = config.blockSize;
  const inputs = Int32Array.from({ length: T }, (_, t) => (3 * t + 1) % config.vocabSize);
  const tokens = uploadTokens(backend, config, { inputs, B: 1, T });
  const model = await onDevice(backend, host);
  const logits = evaluate((params) => forward({ ...model, params }, tokens), model.params);
  const values = Float64Array.from(await logits.read());
  logits.free();
  freeParams(model.params);
  freeTokens(tokens);
  return values;
}
