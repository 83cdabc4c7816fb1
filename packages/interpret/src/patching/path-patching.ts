/**
 * Path patching: what a component writes is changed from the corrupted run's to the clean one's for some of its readers alone;
 * all else that the readers read, and all other readers, stay as in the corrupted run. What the readers then do goes on as usual.
 * An intervention, so exact whatever the norms. Source: Wang et al. 2022 (arXiv 2211.00593); heads as in TransformerLens's
 * `get_act_patch_direct_path`.
 */
import {
  add,
  constantBeside,
  evaluate,
  linear,
  matmul,
  reshape,
  slice,
  sub,
  type Variable,
  where,
} from "@normless/autograd";
import {
  type BoundModel,
  forward,
  type HookName,
  type HostTokens,
  type Model,
  normAt,
  type Tokens,
} from "@normless/gpt2";
import { scope, type Tensor } from "@normless/tensor";
import { checkHead, type HeadPlace } from "../circuits/head-input.js";
import { freeAll } from "../run/cache.js";
import type { Metric } from "../run/gradients.js";
import { passBody } from "../run/pass.js";
import { withTokens } from "../run/tokens.js";
import { batchesOf, metricOf, type PromptPair } from "./prompt-pair.js";

/** What writes: an embedding, a head, or a MLP of a layer. */
export type Sender = "token" | "position" | HeadPlace | { readonly mlp: number };
/** What reads: queries, keys or values of a head, a MLP, or the head of the model. */
export type Receiver =
  "logits" | (HeadPlace & { readonly reads: "q" | "k" | "v" }) | { readonly mlp: number };

/** Between what. */
export interface PathOptions {
  readonly from: Sender;
  readonly to: readonly Receiver[];
}

/** What a patched path came to, and the two prompts without one. */
export interface PathPatching {
  readonly value: number;
  readonly clean: number;
  readonly corrupted: number;
}

/**
 * The metric of the corrupted run with the paths patched.
 * @throws RangeError for prompts of different lengths, a component that is not there, and a reader that is not after the writer
 */
export async function pathPatching(
  model: Model,
  pair: PromptPair,
  metric: Metric,
  { from, to }: PathOptions,
): Promise<PathPatching> {
  const batches = batchesOf(pair);
  check(model, from, to);
  const name = writes(from);
  const reads = to.map((receiver) => readAt(model, receiver));
  const clean = passBody(model, batches.clean, { keep: [name] });
  const corrupted = passBody(model, batches.corrupted, { keep: [name, ...reads] });
  try {
    const step = { model, batch: batches.corrupted, metric, to };
    using value = patchedRun(step, corrupted, () => changeOf(model, from, clean[name], corrupted[name]));
    return {
      value: await value.item(),
      clean: await metricOf(model, pair.clean, metric),
      corrupted: await metricOf(model, pair.corrupted, metric),
    };
  } finally {
    freeAll([...Object.values(clean), ...Object.values(corrupted)]);
  }
}

/** The tensor that tells what a sender writes. */
function writes(from: Sender): HookName {
  if (from === "token") return "hook_embed";
  if (from === "position") return "hook_pos_embed";
  return "mlp" in from ? `blocks.${from.mlp}.hook_mlp_out` : `blocks.${from.layer}.attn.hook_z`;
}

/** The residual that a receiver reads. */
function readAt({ config }: Model, to: Receiver): HookName {
  if (to === "logits") return `blocks.${config.layers - 1}.hook_resid_post`;
  return "mlp" in to ? `blocks.${to.mlp}.hook_resid_mid` : `blocks.${to.layer}.hook_resid_pre`;
}

/** What the sender writes more in the clean run, (B,T,C). */
function changeOf({ config, params }: Model, from: Sender, clean: Tensor, corrupted: Tensor): Tensor {
  return scope(() => {
    const change = sub(clean, corrupted);
    if (typeof from === "string" || "mlp" in from) return change;
    const D = config.channels / config.heads;
    const [B, T] = change.shape;
    const z = reshape(slice(change, 2, { start: from.head, end: from.head + 1 }), [B, T, D]);
    const rows = slice(params[`h.${from.layer}.attn.c_proj.weight`], 0, {
      start: from.head * D,
      end: (from.head + 1) * D,
    });
    return matmul(z, rows);
  });
}

interface Step {
  readonly model: Model;
  readonly batch: HostTokens;
  readonly metric: Metric;
  readonly to: readonly Receiver[];
}

/** The metric of the corrupted run whose receivers read the change, too. */
function patchedRun(
  { model, batch, metric, to }: Step,
  corrupted: Readonly<Record<string, Tensor>>,
  changed: () => Tensor,
): Tensor {
  const { config, params, norms } = model;
  return scope(() => {
    const change = changed();
    return withTokens(model, batch, (tokens) =>
      evaluate((variables) => {
        const bound = { config, norms, params: variables };
        const { tape } = variables["wte.weight"];
        const hooks: Partial<Record<HookName, (x: Variable) => Variable>> = {};
        for (const receiver of to) {
          const residual = () => add(tape.constant(corrupted[readAt(model, receiver)]), change);
          const { name, hook } = reading({ bound, tokens, receiver, residual, change });
          const before = hooks[name];
          hooks[name] = before ? (x) => hook(before(x)) : hook;
        }
        return metric(forward(bound, tokens, { hooks }));
      }, params),
    );
  });
}

interface Reading {
  readonly bound: BoundModel;
  readonly tokens: Tokens;
  readonly receiver: Receiver;
  /** The corrupted run's where the receiver reads, with the change. */
  readonly residual: () => Variable;
  readonly change: Tensor;
}

/** The hook at which what a receiver makes of the residual with the change takes the place of what it made without. */
function reading({ bound, tokens, receiver, residual, change }: Reading): {
  readonly name: HookName;
  readonly hook: (x: Variable) => Variable;
} {
  const { channels: C, heads, layers } = bound.config;
  if (receiver === "logits") {
    return { name: `blocks.${layers - 1}.hook_resid_post`, hook: (x) => add(x, change) };
  }
  if ("mlp" in receiver) {
    const i = receiver.mlp;
    const hook = () => {
      const input = normAt(bound, `h.${i}.ln_2`, residual(), tokens);
      return linear(input, bound.params[`h.${i}.mlp.c_fc.weight`], bound.params[`h.${i}.mlp.c_fc.bias`]);
    };
    return { name: `blocks.${i}.mlp.hook_pre`, hook };
  }
  const { layer: i, head, reads } = receiver;
  const hook = (x: Variable) => {
    const input = normAt(bound, `h.${i}.ln_1:${reads === "v" ? "v" : "qk"}`, residual(), tokens);
    const third = ["q", "k", "v"].indexOf(reads);
    const columns = { begin: third * C, end: (third + 1) * C, of: 3 * C };
    const weight = bound.params[`h.${i}.attn.c_attn.weight`];
    const all = linear(input, weight, bound.params[`h.${i}.attn.c_attn.bias`], { columns });
    const own = Uint8Array.from({ length: heads }, (_, h) => Number(h === head));
    return where(constantBeside(x, x.tape.backend.upload(own, [heads, 1])), reshape(all, x.shape), x);
  };
  return { name: `blocks.${i}.attn.hook_${reads}`, hook };
}

/** @throws RangeError for a component that is not there, no reader, and one that is not after the writer */
function check(model: Model, from: Sender, to: readonly Receiver[]): void {
  const { layers } = model.config;
  for (const one of [from, ...to]) {
    if (typeof one === "string") continue;
    if ("head" in one) checkHead(model, one, "pathPatching");
    else if (!(Number.isInteger(one.mlp) && one.mlp >= 0 && one.mlp < layers)) {
      throw new RangeError(`pathPatching: there is no MLP ${one.mlp}; the model's are 0 to ${layers - 1}`);
    }
  }
  if (to.length === 0) throw new RangeError("pathPatching: there is no reader; name one at least");
  for (const one of to) {
    if (orderOf(one, layers) <= orderOf(from, layers)) {
      throw new RangeError(
        `pathPatching: ${nameOf(one)} reads before ${nameOf(from)} writes; no path goes there`,
      );
    }
  }
}

/** Where in the model something reads or writes: attention of block i at 2i, its MLP at 2i + 1. */
function orderOf(one: Sender | Receiver, layers: number): number {
  if (one === "logits") return 2 * layers;
  if (typeof one === "string") return -1;
  return "mlp" in one ? 2 * one.mlp + 1 : 2 * one.layer;
}

function nameOf(one: Sender | Receiver): string {
  if (typeof one === "string") return one;
  return "mlp" in one ? `MLP ${one.mlp}` : `head ${one.layer}.${one.head}`;
}
