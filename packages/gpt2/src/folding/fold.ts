/**
 * A model whose norms are frozen → the same model without them: params → params, the same logits. Computed in float64 and
 * rounded to float32 once. The algebra of one norm and one linear is @normless/layernorm's (fold.ts).
 * Source: Heimersheim 2024 (arXiv 2409.13710) section 2.
 */
import {
  type ColumnRange,
  foldedNorm,
  foldIntoHead,
  foldIntoLinear,
  type FrozenParameters,
  isUniform,
  kindOf,
  type LinearWeights,
} from "@normless/layernorm";
import {
  DEFAULT_EPS,
  type Gpt2Config,
  hasPlainAttention,
  queryScale,
  withPlainAttention,
} from "../model/config.js";
import {
  checkModel,
  type HostModel,
  type HostTensor,
  parameterShapes,
  type Weights,
} from "../model/params.js";
import { isFolded, moduleOf, type NormSite, normSites } from "../model/sites.js";

/**
 * Folds every norm into the weights that read it: ln_1 into c_attn (the query/key and the value columns each by their
 * own std), ln_2 into c_fc, ln_f into a head of its own, (V,C), with a bias over the vocabulary; a tied embedding
 * stays as it is for the tokens. A scale that attention has of its own goes into c_attn's query columns, so that the
 * folded config is plain. A folded model comes back as it is.
 * @throws Error naming the first site whose norm is not frozen at one constant for all positions.
 */
export function foldModel(model: HostModel): HostModel {
  const { config, norms } = model;
  if (isFolded(norms)) return hasPlainAttention(config) ? model : withScaledQueries(model);
  checkModel(model);
  for (const site of normSites(config)) if (norms[site].kind !== "folded") frozenParameters(model, site);
  return foldFrozen(model);
}

/**
 * The frozen norms folded as by `foldModel`, and every LayerNorm left where it is: a table of folded and standard norms,
 * which `config.json` can tell (hf-config.ts) and no stock software knows. Gamma and beta go with the last norm that reads
 * them; the head is one of its own once ln_f is folded. With a LayerNorm left, attention keeps a scale of its own. Without
 * one it is `foldModel`.
 * @throws Error naming the first site whose norm is frozen at several constants, or tapered.
 */
export function foldFrozen(model: HostModel): HostModel {
  checkModel(model);
  const { config, weights, norms } = model;
  const sites = normSites(config).filter((site) => norms[site].kind !== "standard");
  const whole = sites.length === normSites(config).length;
  const folding = sites.filter((site) => norms[site].kind !== "folded");
  const queries = (layer: number) => (whole ? queryScale(config, layer) : 1);
  const all: Record<string, HostTensor> = { ...foldBlocks(model, { queries, sites: folding }) };
  if (folding.includes("ln_f")) {
    const { w, bias } = foldIntoHead(frozenParameters(model, "ln_f"), {
      w: matrix(weights["lm_head.weight"] ?? weights["wte.weight"]),
    });
    all["lm_head.weight"] = { shape: [w.rows, w.columns], data: Float32Array.from(w.data) };
    all["lm_head.bias"] = { shape: [bias.length], data: Float32Array.from(bias) };
  }
  const after = { ...norms, ...Object.fromEntries(sites.map((site) => [site, foldedNorm])) };
  const tied = config.tied && after["ln_f"].kind !== "folded";
  const folded = whole ? { ...withPlainAttention(config), tied, eps: DEFAULT_EPS } : { ...config, tied };
  const names = Object.keys(parameterShapes(folded, { norms: after }));
  return {
    config: folded,
    weights: Object.fromEntries(names.map((name) => [name, all[name]])),
    norms: after,
  };
}

/** A folded model whose config still asks for a scale of attention. */
function withScaledQueries(model: HostModel): HostModel {
  const { config } = model;
  const weights: Record<string, HostTensor> = { ...model.weights };
  for (let i = 0; i < config.layers; i++) {
    for (const name of [`h.${i}.attn.c_attn.weight`, `h.${i}.attn.c_attn.bias`]) {
      const { shape, data } = weights[name];
      const scaled = scaleQueries(Float64Array.from(data), config, queryScale(config, i));
      weights[name] = { shape, data: Float32Array.from(scaled) };
    }
  }
  return { ...model, config: withPlainAttention(config), weights };
}

/** In place: rows of query, key and value columns, the queries times `factor`. */
function scaleQueries(rows: Float64Array, { channels: C }: Gpt2Config, factor: number): Float64Array {
  for (let row = 0; row < rows.length; row += 3 * C) {
    for (let c = 0; c < C; c++) rows[row + c] *= factor;
  }
  return rows;
}

/**
 * The weights with the blocks' norms folded into c_attn and c_fc; gammas and betas are still there, unused.
 * @param options `queries`: what to multiply c_attn's query columns by in each block; `sites`: which norms
 */
export function foldBlocks(
  model: HostModel,
  {
    queries,
    sites = normSites(model.config),
  }: { readonly queries: (layer: number) => number; readonly sites?: readonly NormSite[] },
): Weights {
  const { config, weights } = model;
  const C = config.channels;
  const changed: Record<string, HostTensor> = {};
  const linearOf = (name: string) => ({
    w: matrix(weights[`${name}.weight`]),
    bias: Float64Array.from(weights[`${name}.bias`].data),
  });
  const put = (name: string, { w, bias }: LinearWeights) => {
    changed[`${name}.weight`] = { shape: weights[`${name}.weight`].shape, data: Float32Array.from(w.data) };
    changed[`${name}.bias`] = { shape: weights[`${name}.bias`].shape, data: Float32Array.from(bias) };
  };
  for (let i = 0; i < config.layers; i++) {
    const attention = `h.${i}.attn.c_attn`;
    const fold = (site: NormSite, linear: LinearWeights, columns?: ColumnRange) =>
      sites.includes(site) ? foldIntoLinear(frozenParameters(model, site), linear, columns) : linear;
    const qk = fold(`h.${i}.ln_1:qk`, linearOf(attention), { begin: 0, end: 2 * C });
    const { w, bias } = fold(`h.${i}.ln_1:v`, qk, { begin: 2 * C, end: 3 * C });
    for (const rows of [w.data, bias]) scaleQueries(rows, config, queries(i));
    put(attention, { w, bias });
    const mlp = `h.${i}.mlp.c_fc`;
    put(mlp, fold(`h.${i}.ln_2`, linearOf(mlp)));
  }
  return { ...weights, ...changed };
}

/** What a site's norm does to a centred x. @throws Error naming the site, when that depends on the position. */
export function frozenParameters({ weights, norms }: HostModel, site: NormSite): FrozenParameters {
  const norm = norms[site];
  if (norm.kind !== "frozen") {
    throw new Error(
      `the norm at ${site} is ${kindOf(norm)}; only a frozen norm can be folded. Freeze it before.`,
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
