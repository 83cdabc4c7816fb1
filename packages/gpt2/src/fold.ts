/**
 * A model whose norms are all frozen → the same model without norms: params → params, the same logits. Computed in
 * float64 and rounded to float32 once. The algebra of one norm and one linear is @normless/layernorm's (fold.ts).
 * Source: Heimersheim 2024 (arXiv 2409.13710) section 2.
 */
import {
  foldedNorm,
  foldIntoHead,
  foldIntoLinear,
  type FrozenParameters,
  isUniform,
} from "@normless/layernorm";
import { checkModel, type HostModel, type HostTensor, parameterShapes, type Weights } from "./params.js";
import { isFolded, moduleOf, type NormSite, normSites } from "./sites.js";

/**
 * Folds every norm into the weights that read it: ln_1 into c_attn (the query/key and the value columns each by their
 * own std), ln_2 into c_fc, ln_f into a head of its own, (V,C), with a bias over the vocabulary; a tied embedding
 * stays as it is for the tokens. A folded model comes back as it is.
 * @throws Error naming the first site whose norm is not frozen at one constant for all positions.
 */
export function foldModel(model: HostModel): HostModel {
  const { config, weights, norms } = model;
  if (isFolded(norms)) return model;
  checkModel(model);
  const blocks = foldBlocks(model);
  const finalNorm = frozenParameters(model, "ln_f");
  const { w, bias } = foldIntoHead(finalNorm, {
    w: matrix(weights["lm_head.weight"] ?? weights["wte.weight"]),
  });
  const all: Weights = {
    ...blocks,
    "lm_head.weight": { shape: [w.rows, w.columns], data: Float32Array.from(w.data) },
    "lm_head.bias": { shape: [bias.length], data: Float32Array.from(bias) },
  };
  const folded = { ...config, tied: false };
  const names = Object.keys(parameterShapes(folded, { norms: false }));
  return {
    config: folded,
    weights: Object.fromEntries(names.map((name) => [name, all[name]])),
    norms: Object.fromEntries(normSites(config).map((site) => [site, foldedNorm])),
  };
}

/** The weights with the blocks' norms folded into c_attn and c_fc; gammas and betas are still there, unused. */
export function foldBlocks(model: HostModel): Weights {
  const { config, weights } = model;
  const C = config.channels;
  const changed: Record<string, HostTensor> = {};
  const fold = (site: NormSite, name: string, columns?: { readonly begin: number; readonly end: number }) => {
    const weight = changed[`${name}.weight`] ?? weights[`${name}.weight`];
    const bias = changed[`${name}.bias`] ?? weights[`${name}.bias`];
    const linear = { w: matrix(weight), bias: Float64Array.from(bias.data) };
    const folded = foldIntoLinear(frozenParameters(model, site), linear, columns);
    changed[`${name}.weight`] = { shape: weight.shape, data: Float32Array.from(folded.w.data) };
    changed[`${name}.bias`] = { shape: bias.shape, data: Float32Array.from(folded.bias) };
  };
  for (let i = 0; i < config.layers; i++) {
    fold(`h.${i}.ln_1:qk`, `h.${i}.attn.c_attn`, { begin: 0, end: 2 * C });
    fold(`h.${i}.ln_1:v`, `h.${i}.attn.c_attn`, { begin: 2 * C, end: 3 * C });
    fold(`h.${i}.ln_2`, `h.${i}.mlp.c_fc`);
  }
  return { ...weights, ...changed };
}

/** What a site's norm does to a centred x. @throws Error naming the site, when that depends on the position. */
export function frozenParameters({ weights, norms }: HostModel, site: NormSite): FrozenParameters {
  const norm = norms[site];
  if (norm.kind !== "frozen") {
    throw new Error(
      `the norm at ${site} is ${norm.kind}; only a frozen norm can be folded. Freeze it before.`,
    );
  }
  if (!isUniform(norm)) {
    const { first, eot, rest } = norm.std;
    throw new Error(
      `the norm at ${site} has constants of its own for special positions (first ${first}, eot ${eot}, ` +
        `rest ${rest}); only one constant can be folded. Remove them before (withClassConstant).`,
    );
  }
  const module = moduleOf(site);
  const { firstChannel, std } = norm;
  const gamma = Float64Array.from(weights[`${module}.weight`].data);
  if (firstChannel !== undefined) gamma[0] *= std.rest / firstChannel;
  return { gamma, beta: Float64Array.from(weights[`${module}.bias`].data), std: std.rest };
}

function matrix({ shape: [rows, columns], data }: HostTensor) {
  return { rows, columns, data: Float64Array.from(data) };
}
