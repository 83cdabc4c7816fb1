/**
 * Which parameters a GPT-2 has, and fresh ones, under their Hugging Face names (without the `transformer.` prefix). How
 * they are read is in weights.ts.
 */
import { type Shape, showShape, sameShape, sizeOf } from "@normless/tensor";
import { randomAt } from "@normless/random";
import type { Gpt2Config } from "./config.js";
import { isFolded, type NormModule, type NormTable, sitesOf } from "./sites.js";
import type { HostModel, WeightsInMemory } from "./weights.js";

/**
 * Which parameters a model of these norms has. `norms: false` is a folded one: no gamma or beta, a head of its own with a
 * bias. Where a table has folded norms beside others, gamma and beta stand wherever a norm reads that is not folded, and
 * the head has a bias once ln_f is.
 */
export function parameterShapes(
  config: Gpt2Config,
  { norms }: { readonly norms: boolean | NormTable },
): Record<string, Shape> {
  const { vocabSize: V, blockSize: T, channels: C, inner, layers } = config;
  const shapes: Record<string, Shape> = { "wte.weight": [V, C], "wpe.weight": [T, C] };
  const stands = (module: NormModule) =>
    typeof norms === "boolean" ? norms : sitesOf(module).some((site) => norms[site].kind !== "folded");
  const norm = (name: NormModule) => {
    if (stands(name)) Object.assign(shapes, { [`${name}.weight`]: [C], [`${name}.bias`]: [C] });
  };
  const linear = (name: string, K: number, M: number) => {
    Object.assign(shapes, { [`${name}.weight`]: [K, M], [`${name}.bias`]: [M] });
  };
  for (let i = 0; i < layers; i++) {
    norm(`h.${i}.ln_1`);
    linear(`h.${i}.attn.c_attn`, C, 3 * C);
    linear(`h.${i}.attn.c_proj`, C, C);
    norm(`h.${i}.ln_2`);
    linear(`h.${i}.mlp.c_fc`, C, inner);
    linear(`h.${i}.mlp.c_proj`, inner, C);
  }
  norm("ln_f");
  if (!config.tied) shapes["lm_head.weight"] = [V, C];
  if (!stands("ln_f")) shapes["lm_head.bias"] = [V];
  return shapes;
}

/** Whether these weights have a norm before the head: of a model all of whose norms are folded, or none, whether any. */
export function hasNorms(weights: Readonly<Record<string, unknown>>): boolean {
  return "ln_f.weight" in weights;
}

/**
 * @param where the files that both are from, to begin the errors with
 * @param norms what the weights are of; default: what they tell, all norms folded or none
 * @throws Error that names the first parameter that is missing, too many, or of another shape than the config says.
 */
export function checkWeights(
  config: Gpt2Config,
  weights: Readonly<Record<string, { readonly shape: Shape }>>,
  where?: string,
  norms: boolean | NormTable = hasNorms(weights),
): void {
  const from = where === undefined ? "" : `${where}: `;
  const shapes = parameterShapes(config, { norms });
  for (const [name, shape] of Object.entries(shapes)) {
    const weight = weights[name];
    if (!weight)
      throw new Error(`${from}parameter ${name} is missing; the config asks for ${name} ${showShape(shape)}`);
    if (!sameShape(weight.shape, shape)) {
      throw new Error(
        `${from}parameter ${name} has shape ${showShape(weight.shape)}, but the config asks for ${showShape(shape)}. ` +
          "Do the config and the weights belong to one model?",
      );
    }
  }
  const extra = Object.keys(weights).find((name) => !Object.hasOwn(shapes, name));
  if (extra) throw new Error(`${from}parameter ${extra} is not part of a GPT-2 of this config`);
}

/**
 * Whether config, weights and norms are of one model: `checkWeights`, and gamma and beta where the norms need them.
 * @throws Error naming what is missing, too many, or of another shape.
 */
export function checkModel(
  {
    config,
    weights,
    norms,
  }: Pick<HostModel, "config" | "norms"> & {
    readonly weights: Readonly<Record<string, { readonly shape: Shape }>>;
  },
  where?: string,
): void {
  const from = where === undefined ? "" : `${where}: `;
  // Without an embedding this is no GPT-2 at all, which checkWeights says better.
  if ("wte.weight" in weights) {
    if (isFolded(norms) && hasNorms(weights)) {
      throw new Error(
        `${from}the norms are folded, but there is a parameter ln_f.weight; a folded model has no gamma and no beta`,
      );
    }
    if (norms["ln_f"].kind !== "folded" && !hasNorms(weights)) {
      throw new Error(`${from}parameter ln_f.weight is missing, and the norms are not folded`);
    }
  }
  checkWeights(config, weights, where, norms);
}

/**
 * Fresh weights as GPT-2 and nanoGPT draw them: normal with std 0.02, the projections into the residual 0.02/√(2L),
 * biases 0, gamma 1. Each parameter has a stream of its own, so that its values depend on the seed and its name's place.
 */
export function initWeights(config: Gpt2Config, seed: number): WeightsInMemory {
  const shapes = Object.entries(parameterShapes(config, { norms: true }));
  return Object.fromEntries(
    shapes.map(([name, shape], i) => {
      const random = randomAt(seed, i);
      const data = new Float32Array(sizeOf(shape));
      const std = name.endsWith("c_proj.weight") ? 0.02 / Math.sqrt(2 * config.layers) : 0.02;
      if (shape.length === 2) for (let k = 0; k < data.length; k++) data[k] = std * random.normal();
      else if (/ln_(1|2|f)\.weight$/.test(name)) data.fill(1);
      return [name, { shape, data }];
    }),
  );
}

/** How many numbers a model holds. */
export function parameterCount(weights: Readonly<Record<string, { readonly shape: Shape }>>): number {
  return Object.values(weights).reduce((count, { shape }) => count + sizeOf(shape), 0);
}
