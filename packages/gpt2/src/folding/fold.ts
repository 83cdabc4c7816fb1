/**
 * A model whose norms are frozen → the same model without them: params → params, the same logits. Computed in float64 and
 * rounded to float32 once, a linear at a time and only when somebody asks for its values, so that a fold takes the memory
 * of one. The algebra of one norm and one linear is @normless/layernorm's (fold.ts).
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
  type Matrix,
} from "@normless/layernorm";
import type { Shape } from "@normless/tensor";
import {
  DEFAULT_EPS,
  type Gpt2Config,
  hasPlainAttention,
  queryScale,
  withPlainAttention,
} from "../model/config.js";
import { checkModel, parameterShapes } from "../model/params.js";
import { isFolded, moduleOf, type NormSite, normSites, type NormTable } from "../model/sites.js";
import { type HostModel, type HostTensor, readValues, type Weights } from "../model/weights.js";
import { rowParts } from "./rows.js";

/**
 * Folds every norm into the weights that read it: ln_1 into c_attn (the query/key and the value columns each by their
 * own std), ln_2 into c_fc, ln_f into a head of its own, (V,C), with a bias over the vocabulary; a tied embedding
 * stays as it is for the tokens. A scale that attention has of its own goes into c_attn's query columns, so that the
 * folded config is plain. A folded model comes back as it is. Weights are read and folded when they are asked for, so that
 * what they are of must stay: gather them (`gatherWeights`) before a model's files are closed.
 * @throws Error naming the first site whose norm is not frozen at one constant for all positions.
 */
export function foldModel(model: HostModel): HostModel {
  const { config, norms } = model;
  if (isFolded(norms)) return hasPlainAttention(config) ? model : withScaledQueries(model);
  checkModel(model);
  for (const site of normSites(config)) if (norms[site].kind !== "folded") frozenAt(norms, site);
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
    const head = weights["lm_head.weight"] ?? weights["wte.weight"];
    const shapes = { weight: head.shape, bias: [config.vocabSize] };
    const norm = frozenAt(norms, "ln_f");
    const [weight, bias] = whenAsked(shapes, async () =>
      foldHead(await readFrozen(weights, norm), await readValues(head)),
    );
    Object.assign(all, { "lm_head.weight": weight, "lm_head.bias": bias });
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
      const tensor = weights[name];
      const data = async () => {
        const values = Float64Array.from(await readValues(tensor));
        return Float32Array.from(scaleQueries(values, config, queryScale(config, i)));
      };
      weights[name] = { shape: tensor.shape, data };
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
 * @throws Error naming the first of these sites whose norm is not frozen at one constant for all positions.
 */
export function foldBlocks(
  model: HostModel,
  {
    queries,
    sites = normSites(model.config),
  }: { readonly queries: (layer: number) => number; readonly sites?: readonly NormSite[] },
): Weights {
  const { config, weights, norms } = model;
  const C = config.channels;
  const changed: Record<string, HostTensor> = {};
  const change = (name: string, compute: (linear: LinearWeights) => Promise<LinearWeights>) => {
    const [weight, bias] = [weights[`${name}.weight`], weights[`${name}.bias`]];
    const shapes = { weight: weight.shape, bias: bias.shape };
    const [ofWeight, ofBias] = whenAsked(shapes, async () => {
      const { w, bias: b } = await compute({
        w: matrix(weight.shape, await readValues(weight)),
        bias: Float64Array.from(await readValues(bias)),
      });
      return { weight: Float32Array.from(w.data), bias: Float32Array.from(b) };
    });
    Object.assign(changed, { [`${name}.weight`]: ofWeight, [`${name}.bias`]: ofBias });
  };
  for (let i = 0; i < config.layers; i++) {
    const at = (site: NormSite) => (sites.includes(site) ? frozenAt(norms, site) : undefined);
    const fold = async (norm: FrozenAt | undefined, linear: LinearWeights, columns?: ColumnRange) =>
      norm ? foldIntoLinear(await readFrozen(weights, norm), linear, columns) : linear;
    const [qk, v, mlp] = [at(`h.${i}.ln_1:qk`), at(`h.${i}.ln_1:v`), at(`h.${i}.ln_2`)];
    if (qk ?? v ?? queries(i) !== 1) {
      change(`h.${i}.attn.c_attn`, async (linear) => {
        const first = await fold(qk, linear, { begin: 0, end: 2 * C });
        const { w, bias } = await fold(v, first, { begin: 2 * C, end: 3 * C });
        for (const rows of [w.data, bias]) scaleQueries(rows, config, queries(i));
        return { w, bias };
      });
    }
    if (mlp) change(`h.${i}.mlp.c_fc`, (linear) => fold(mlp, linear));
  }
  return { ...weights, ...changed };
}

/** The head (V,C) with ln_f in it, some rows at a time. */
function foldHead(norm: FrozenParameters, head: Float32Array): Computed {
  const columns = norm.gamma.length;
  const weight = new Float32Array(head.length);
  const bias = new Float32Array(head.length / columns);
  for (const { first, w } of rowParts(head, columns)) {
    const folded = foldIntoHead(norm, { w });
    weight.set(folded.w.data, first * columns);
    bias.set(folded.bias, first);
  }
  return { weight, bias };
}

/** A linear's two parameters. */
interface Computed {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/**
 * A weight and a bias that are computed together when the weight is asked for. The bias is small and kept from then on, so
 * that whoever takes the two in this order has them computed once.
 */
function whenAsked(
  shapes: Readonly<Record<keyof Computed, Shape>>,
  compute: () => Promise<Computed>,
): [weight: HostTensor, bias: HostTensor] {
  let kept: Float32Array | undefined;
  const weight = async () => {
    const computed = await compute();
    kept = computed.bias;
    return computed.weight;
  };
  const bias = async () => (kept ??= (await compute()).bias);
  return [
    { shape: shapes.weight, data: weight },
    { shape: shapes.bias, data: bias },
  ];
}

/** A norm that divides by one constant, and by another in channel 0 where the code of 2024 left one. */
export interface FrozenAt {
  readonly site: NormSite;
  readonly std: number;
  readonly firstChannel?: number | undefined;
}

/** How a site's norm divides. @throws Error naming the site, when that depends on the position, or on what it reads. */
export function frozenAt(norms: NormTable, site: NormSite): FrozenAt {
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
  return { site, std: norm.std.rest, firstChannel: norm.firstChannel };
}

/** What a site's norm does to a centred x. */
export async function readFrozen(
  weights: Weights,
  { site, std, firstChannel }: FrozenAt,
): Promise<FrozenParameters> {
  const module = moduleOf(site);
  const [gamma, beta] = [
    Float64Array.from(await readValues(weights[`${module}.weight`])),
    Float64Array.from(await readValues(weights[`${module}.bias`])),
  ];
  if (firstChannel !== undefined) gamma[0] *= std / firstChannel;
  return { gamma, beta, std };
}

function matrix([rows, columns]: Shape, data: Float32Array): Matrix {
  return { rows, columns, data: Float64Array.from(data) };
}
