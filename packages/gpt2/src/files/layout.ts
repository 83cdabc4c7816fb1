/**
 * In which of the forms that are about a model is, told by its weights and norms; and the forms with an epsilon of
 * 1e12 seen for what they are. Sources: Heimersheim 2024 (apollo-research/gpt2_noLN) and Baroni et al. 2025
 * (schaeff/gpt2-small_LNFree300 and its siblings). Writing such a form is in export.ts.
 */
import { frozenNorm, type Norm } from "@normless/layernorm";
import { type HostModel, type HostTensor, readValues } from "../model/weights.js";
import { normModules } from "../model/sites.js";

/** What a model's files hold. */
export type Layout =
  /** LayerNorms as they were trained. */
  | "standard"
  /** LN-free as published in 2024: the blocks' norms are folded; in their place gamma is 1e6 and beta 0. */
  | "eps-1e12-folded"
  /** LN-free as published in 2025: gamma·1e6/std and beta are in the norms. */
  | "eps-1e12-gamma"
  /** Ours: config.json tells each norm. */
  | "normless"
  /** A checkpoint of the 2025 training: buffers beside gamma and beta tell each norm (fake-layer-norm.ts). */
  | "training-checkpoint"
  /** TransformerLens's names and shapes, every norm folded (transformer-lens.ts). */
  | "transformer-lens";

const DESCRIPTIONS: Readonly<Record<Layout, string>> = {
  standard: "LayerNorms as trained",
  "eps-1e12-folded":
    "LN-free as published in 2024: eps 1e12, the blocks' norms folded into the weights, gamma 1e6 in their place",
  "eps-1e12-gamma": "LN-free as published in 2025: eps 1e12, gamma·1e6/std and beta kept in the norms",
  normless: "normless's own: config.json tells each norm",
  "training-checkpoint":
    "a checkpoint of the 2025 training: buffers tell which norms are frozen, and at what",
  "transformer-lens": "TransformerLens's names and shapes, norms folded into the weights",
};

/** A layout in words. */
export function describeLayout(layout: Layout): string {
  return DESCRIPTIONS[layout];
}

/** From here on an epsilon drowns any variance that float32 activations have. */
const DROWNING_EPS = 1e10;
/** From here on a gamma undoes a division by 1e6: trained ones are below 100. */
const HUGE_GAMMA = 1e4;

/**
 * The layout of a model, as far as weights and norms tell it: not that of a checkpoint, nor TransformerLens's. Of the
 * weights it reads gammas and betas, where epsilon is 1e10 or more.
 */
export async function detectLayout(model: HostModel): Promise<Layout> {
  const { config, weights, norms } = model;
  if (Object.values(norms).some(({ kind }) => kind !== "standard")) return "normless";
  if (config.eps < DROWNING_EPS) return "standard";
  const scale = Math.sqrt(config.eps);
  // Within a percent, since bfloat16 rounds 1e6 to 999424.
  const undone = (value: number) => Math.abs(value / scale - 1) < 0.01;
  for (const module of normModules(config)) {
    if (module === "ln_f") continue;
    const gamma = await readValues(weights[`${module}.weight`]);
    const beta = await readValues(weights[`${module}.bias`]);
    if (!gamma.every(undone) || beta.some((value) => value !== 0)) return "eps-1e12-gamma";
  }
  return "eps-1e12-folded";
}

/**
 * Whether epsilon and gammas go together: an LN-free model of epsilon 1e12 whose config lost its epsilon would be
 * computed with LayerNorms, 1e6 times too large. @throws Error naming the norm, both figures and the way out.
 */
export async function checkEps({ config, weights, norms }: HostModel): Promise<void> {
  if (config.eps >= DROWNING_EPS) return;
  for (const module of normModules(config)) {
    if ((norms[module] ?? norms[`${module}:qk`]).kind !== "standard") continue;
    const size = await median(weights[`${module}.weight`]);
    if (size < HUGE_GAMMA) continue;
    throw new Error(
      `config.json: layer_norm_epsilon is ${config.eps}, but ${module}.weight is about ${size.toPrecision(2)}, as in ` +
        "an LN-free model whose epsilon is 1e12. With this epsilon its LayerNorms would divide by the std again. " +
        'Write "layer_norm_epsilon": 1e12 into config.json',
    );
  }
}

/** The sites whose norm is no LayerNorm any more: an epsilon of 1e12 makes a constant of one. */
export function sitesWithoutNorm(model: Pick<HostModel, "norms">): string[] {
  const norms = Object.entries(withFrozenNames(model).norms);
  return norms.filter(([, { kind }]) => kind !== "standard").map(([site]) => site);
}

/**
 * What a reader of the files should know: their config looks like any GPT-2's, and norms are gone. One of ours says so
 * itself, by its `model_type`.
 */
export function lnFreeNotes(layout: Layout, model: Pick<HostModel, "config" | "norms">): string[] {
  const [gone, all] = [sitesWithoutNorm(model).length, Object.keys(model.norms).length];
  switch (layout) {
    case "training-checkpoint":
      return gone === 0 ? [] : [`${gone} of its ${all} norms are frozen: it is ${describeLayout(layout)}`];
    case "eps-1e12-folded":
    case "eps-1e12-gamma": {
      const eps = model.config.eps.toExponential().replace("+", "");
      return [
        `config.json: layer_norm_epsilon is ${eps}, so that none of its ${all} norms is a LayerNorm; ${describeLayout(layout)}`,
      ];
    }
    case "standard":
    case "normless":
    case "transformer-lens":
      return [];
  }
}

/** LayerNorms with an epsilon of 1e12 are frozen in all but name: at sqrt(eps). */
export function withFrozenNames<M extends Pick<HostModel, "norms">>(model: M): M {
  const named = (norm: Norm): Norm =>
    norm.kind === "standard" && norm.eps >= DROWNING_EPS ? frozenNorm(Math.sqrt(norm.eps)) : norm;
  const norms = Object.entries(model.norms).map(([site, norm]) => [site, named(norm)] as const);
  return { ...model, norms: Object.fromEntries(norms) };
}

/** Of the sizes of its values. */
async function median(tensor: HostTensor): Promise<number> {
  const sizes = (await readValues(tensor)).map(Math.abs).sort();
  return sizes[sizes.length >> 1];
}
