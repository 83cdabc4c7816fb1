/**
 * GPT-2's forward pass (Radford et al. 2019) with a table of norms. It never asks which variant a norm is. Shapes:
 * B batch, T position, C channel, V vocabulary; x is the residual, (B,T,C).
 */
import {
  add,
  attention,
  embedding,
  evaluate,
  linear,
  linearCrossEntropy,
  linearGelu,
  type Parameters,
  recompute,
  rowStd,
  scale,
  squaredDistance,
  stdSpread,
  type Teacher,
  type Variable,
  type Variables,
  weightedCrossEntropy,
  weightedKlDivergence,
} from "@normless/autograd";
import { applyNorm, sameNorm } from "@normless/layernorm";
import type { Tensor } from "@normless/tensor";
import type { Tokens } from "./batch.js";
import { type Gpt2Config, queryScale } from "./config.js";
import { moduleOf, type NormModule, type NormSite, type NormTable } from "./sites.js";

/** A model on a backend. */
export interface Model {
  readonly config: Gpt2Config;
  readonly params: Parameters;
  readonly norms: NormTable;
}

/** A model in the middle of a step: its parameters are on a tape. */
export interface BoundModel {
  readonly config: Gpt2Config;
  readonly params: Variables;
  readonly norms: NormTable;
}

/**
 * Attention of block `layer`; the default is plain causal attention, a cache puts its own here. Its scores are q·kᵀ/√D:
 * where the config asks for others, q comes with what they lack (`queryScale`).
 */
export type Attend = (layer: number, q: Variable, k: Variable, v: Variable) => Variable;

/** What else a forward pass does: watch the residual, attend to a cache, save memory. */
export interface ForwardOptions {
  /**
   * Sees the residual, (B,T,C), that each norm module reads; its tensor is the tape's. A loss may be made of it, but for a
   * block that is recomputed.
   */
  readonly observe?: ((module: NormModule, x: Variable) => void) | undefined;
  readonly attend?: Attend | undefined;
  /** Keeps only what goes into each block, and computes the block again in the backward pass. The same bits. */
  readonly recompute?: boolean | undefined;
}

/** The residual after the last block, before ln_f: (B,T,C). */
export function residual(model: BoundModel, tokens: Tokens, options: ForwardOptions = {}): Variable {
  const { config, params } = model;
  const { tape } = params["wte.weight"];
  let x = tape.scope(() =>
    add(embedding(params["wte.weight"], tokens.ids), embedding(params["wpe.weight"], tokens.positions)),
  );
  for (let i = 0; i < config.layers; i++) {
    const input = x;
    x = options.recompute
      ? recomputedBlock(model, i, input, tokens, options)
      : tape.scope(() => block(model, i, input, tokens, options));
  }
  options.observe?.("ln_f", x);
  return x;
}

/** block() that keeps nothing of itself; residuals are observed the first time only. */
function recomputedBlock(
  { config, params, norms }: BoundModel,
  i: number,
  x: Variable,
  tokens: Tokens,
  options: ForwardOptions,
): Variable {
  const own = Object.entries(params).filter(([name]) => name.startsWith(`h.${i}.`));
  let { observe } = options;
  return recompute({ ...Object.fromEntries(own), x }, (inputs) => {
    const y = block({ config, params: inputs, norms }, i, inputs["x"], tokens, { ...options, observe });
    observe = undefined;
    return y;
  });
}

function block(
  model: BoundModel,
  i: number,
  x: Variable,
  tokens: Tokens,
  { observe, attend }: ForwardOptions,
): Variable {
  const { config, params, norms } = model;
  const { channels: C, heads } = config;
  const norm = (site: NormSite, input: Variable) => normAt(model, site, input, tokens);
  const dense = (name: string, input: Variable) =>
    linear(input, params[`h.${i}.${name}.weight`], params[`h.${i}.${name}.bias`]);
  /** Query 0, key 1 or value 2 out of c_attn's 3C columns. */
  const project = (part: number, input: Variable) =>
    linear(input, params[`h.${i}.attn.c_attn.weight`], params[`h.${i}.attn.c_attn.bias`], {
      columns: { begin: part * C, end: (part + 1) * C, of: 3 * C },
    });

  observe?.(`h.${i}.ln_1`, x);
  const qk = norm(`h.${i}.ln_1:qk`, x);
  const shared = sameNorm(norms[`h.${i}.ln_1:qk`], norms[`h.${i}.ln_1:v`]);
  const v = shared ? qk : norm(`h.${i}.ln_1:v`, x);
  const factor = queryScale(config, i);
  const query = factor === 1 ? project(0, qk) : scale(project(0, qk), factor);
  const [key, value] = [project(1, qk), project(2, v)];
  const attended = attend ? attend(i, query, key, value) : attention(query, key, value, { heads });
  const middle = add(x, dense("attn.c_proj", attended));

  observe?.(`h.${i}.ln_2`, middle);
  const hidden = linearGelu(
    norm(`h.${i}.ln_2`, middle),
    params[`h.${i}.mlp.c_fc.weight`],
    params[`h.${i}.mlp.c_fc.bias`],
    config.gelu,
  );
  return add(middle, dense("mlp.c_proj", hidden));
}

/** What the head reads, (B,T,C): the final residual through ln_f. */
function headInput(model: BoundModel, x: Variable, tokens: Tokens): Variable {
  return normAt(model, "ln_f", x, tokens);
}

/** What a site reads, (B,T,C): x through its norm, with the parameters of its module. */
export function normAt(
  { params, norms }: Pick<BoundModel, "params" | "norms">,
  site: NormSite,
  x: Variable,
  { classes }: Pick<Tokens, "classes">,
): Variable {
  const module = moduleOf(site);
  const parameter = (name: string): Variable | undefined => params[`${module}.${name}`];
  return applyNorm(norms[site], x, {
    gamma: parameter("weight"),
    beta: parameter("bias"),
    classes,
    parameter,
  });
}

function headWeight({ params }: BoundModel): Variable {
  return params["lm_head.weight"] ?? params["wte.weight"];
}

/** Logits, (B,T,V). For looking at and for sampling; a loss never needs them whole. */
export function forward(model: BoundModel, tokens: Tokens, options: ForwardOptions = {}): Variable {
  const x = headInput(model, residual(model, tokens, options), tokens);
  return linear(x, headWeight(model), model.params["lm_head.bias"], { transposeW: true });
}

/** Nats of each target, (B,T); targets int32 (B,T). */
export function tokenLosses(
  model: BoundModel,
  tokens: Tokens,
  targets: Tensor,
  options: ForwardOptions = {},
): Variable {
  const x = headInput(model, residual(model, tokens, options), tokens);
  return linearCrossEntropy(x, { w: headWeight(model), bias: model.params["lm_head.bias"], targets });
}

/** What a training loss is of, and what is added to it. */
export interface TrainingLossOptions extends ForwardOptions {
  /** Targets of the whole batch, over all its micro-batches: what the sum of losses is divided by. */
  readonly totalTokens: number;
  /**
   * Whose prediction is to be matched, in place of the text's next tokens: the loss is then KL(teacher ‖ model), the
   * targets do not count. It needs the model's vocabulary.
   */
  readonly teacher?: Model | undefined;
  /** λ of the auxiliary loss on the final residual's stds (Baroni et al. 2025, eq. 3); 0 leaves it out. */
  readonly auxiliaryWeight?: number;
  /**
   * What the auxiliary loss draws the stds to: a number (TaperNorm 2026, arXiv 2602.10408), or by default the mean std
   * of this micro-batch's ordinary tokens (Baroni et al.).
   */
  readonly auxiliaryTarget?: number | undefined;
}

/**
 * This micro-batch's share of the batch's mean loss, in nats; the shares add up to the mean over all tokens. The
 * auxiliary loss is weighed by the micro-batch's share of tokens likewise. Returns the share without it, and it, apart.
 */
export function trainingLoss(
  model: BoundModel,
  tokens: Tokens,
  targets: Tensor,
  { totalTokens, teacher, auxiliaryWeight = 0, auxiliaryTarget, ...options }: TrainingLossOptions,
): {
  readonly total: Variable;
  readonly prediction: Variable;
  /** As it is added, λ included; undefined where it is left out. */
  readonly auxiliary?: Variable;
} {
  const read = teacher && headOf(teacher, tokens);
  const x = residual(model, tokens, options);
  const head = { w: headWeight(model), bias: model.params["lm_head.bias"] };
  const input = headInput(model, x, tokens);
  const prediction = read
    ? weightedKlDivergence(input, { ...head, teacher: read }, 1 / totalTokens)
    : weightedCrossEntropy(input, { ...head, targets }, 1 / totalTokens);
  read?.x.free();
  if (auxiliaryWeight === 0) return { total: prediction, prediction };
  const share = targets.size / totalTokens;
  const stds = rowStd(x);
  const spread =
    auxiliaryTarget === undefined ? stdSpread(stds, tokens.classes) : squaredDistance(stds, auxiliaryTarget);
  const auxiliary = scale(spread, auxiliaryWeight * share);
  return { total: add(prediction, auxiliary), prediction, auxiliary };
}

/** What a model's head reads of these tokens, x (B,T,C), which is the caller's to free, and the head: w (V,C), bias (V). */
export function headOf(
  { config, params, norms }: Model,
  tokens: Tokens,
  options: ForwardOptions = {},
): Teacher {
  const x = evaluate((variables) => {
    const model = { config, params: variables, norms };
    return headInput(model, residual(model, tokens, options), tokens);
  }, params);
  return { x, w: params["lm_head.weight"] ?? params["wte.weight"], bias: params["lm_head.bias"] };
}
