/**
 * GPT-2's forward pass (Radford et al. 2019) with a table of norms. It never asks which variant a norm is. Shapes:
 * B batch, T position, C channel, V vocabulary; x is the residual, (B,T,C).
 */
import {
  add,
  embedding,
  evaluate,
  linear,
  recompute,
  type Tape,
  type Teacher,
  type Value,
  Variable,
} from "@normless/autograd";
import type { Tokens } from "./batch.js";
import { block, type BlockOptions } from "./block.js";
import { checkHookName } from "./hook-names.js";
import { HookPoints } from "./hooks.js";
import { hookedNormAt } from "./norm-at.js";
import type { BoundModel, ForwardOptions, Model } from "./pass.js";

/**
 * The residual after the last block, before ln_f: (B,T,C).
 * @throws RangeError for a hook that the model does not have, or that is before where the pass begins
 */
export function residual(model: BoundModel, tokens: Tokens, options: ForwardOptions = {}): Variable {
  const { config, params } = model;
  const { tape } = params["wte.weight"];
  const { attend, from } = options;
  const points = pointsOf(model, options);
  let x = from ? onTape(tape, from.residual) : embedded(model, tokens, points);
  for (let i = from?.layer ?? 0; i < config.layers; i++) {
    const input = x;
    x = tape.scope(() => {
      const before = points.at(`blocks.${i}.hook_resid_pre`, input);
      const compute = options.recompute ? recomputedBlock : block;
      const after = compute(model, i, before, { tokens, points, attend });
      return points.at(`blocks.${i}.hook_resid_post`, after);
    });
  }
  return x;
}

/** What the first block reads, (B,T,C). */
function embedded({ params }: BoundModel, tokens: Tokens, points: HookPoints): Variable {
  return params["wte.weight"].tape.scope(() =>
    add(
      points.at("hook_embed", embedding(params["wte.weight"], tokens.ids)),
      points.at("hook_pos_embed", embedding(params["wpe.weight"], tokens.positions)),
    ),
  );
}

function onTape(tape: Tape, x: Value): Variable {
  return x instanceof Variable ? x : tape.constant(x);
}

function pointsOf(model: BoundModel, { hooks, from }: ForwardOptions): HookPoints {
  const points = new HookPoints(hooks);
  for (const name of points.names()) {
    checkHookName(name, model);
    const [, block] = /^blocks\.(\d+)\./.exec(name) ?? [];
    const layer = block === undefined ? (name.startsWith("ln_final") ? Infinity : -1) : Number(block);
    if (from && layer < from.layer) {
      throw new RangeError(`${name} is before block ${from.layer}, where this pass begins`);
    }
  }
  return points;
}

/** block() that keeps nothing of itself; its hooks see it the first time only. */
function recomputedBlock(
  { config, params, norms }: BoundModel,
  i: number,
  x: Variable,
  options: BlockOptions,
): Variable {
  const own = Object.entries(params).filter(([name]) => name.startsWith(`h.${i}.`));
  let points = options.points.lookingOnly();
  return recompute({ ...Object.fromEntries(own), x }, (inputs) => {
    const y = block({ config, params: inputs, norms }, i, inputs["x"], { ...options, points });
    points = points.muted();
    return y;
  });
}

/** What the head reads, (B,T,C): the final residual x through ln_f. */
export function headInput(
  model: BoundModel,
  x: Variable,
  tokens: Tokens,
  options: ForwardOptions = {},
): Variable {
  return hookedNormAt(model, "ln_f", x, tokens, { points: pointsOf(model, options), place: "ln_final" });
}

/** The unembedding, (V,C): the token embedding where the model is tied. */
export function headWeight({ params }: BoundModel): Variable {
  return params["lm_head.weight"] ?? params["wte.weight"];
}

/** Logits, (B,T,V). For looking at and for sampling; a loss never needs them whole. */
export function forward(model: BoundModel, tokens: Tokens, options: ForwardOptions = {}): Variable {
  return unembed(model, residual(model, tokens, options), tokens, options);
}

/** What the head makes of a residual x (B,T,C): logits (B,T,V). */
export function unembed(
  model: BoundModel,
  x: Variable,
  tokens: Tokens,
  options: ForwardOptions = {},
): Variable {
  const input = headInput(model, x, tokens, options);
  return linear(input, headWeight(model), model.params["lm_head.bias"], { transposeW: true });
}

/** What a model's head reads of these tokens, x (B,T,C), which is the caller's to free, and the head: w (V,C), bias (V). */
export function headOf(
  { config, params, norms }: Model,
  tokens: Tokens,
  options: ForwardOptions = {},
): Teacher {
  const x = evaluate((variables) => {
    const model = { config, params: variables, norms };
    return headInput(model, residual(model, tokens, options), tokens, options);
  }, params);
  return { x, w: params["lm_head.weight"] ?? params["wte.weight"], bias: params["lm_head.bias"] };
}
