/**
 * The tensors that pass through a GPT-2, under the names that TransformerLens gives them, so that what is written for one
 * can be read for the other. Shapes: B batch, T position, C channel, H head, D head size, M channels inside the MLP.
 * Source: TransformerLens 4.3, TransformerBridge in compatibility mode.
 */
import type { Gpt2Config } from "./config.js";
import type { NormSite, NormTable } from "./sites.js";

/** The kinds of shape that a hook's tensor may have. */
interface HookShapes {
  readonly residual: readonly [batch: number, position: number, channel: number];
  readonly scale: readonly [batch: number, position: number, one: 1];
  readonly perHead: readonly [batch: number, position: number, head: number, channel: number];
  readonly scores: readonly [batch: number, head: number, query: number, key: number];
  readonly inner: readonly [batch: number, position: number, neuron: number];
}

/** Hooks of one block, in the order of the forward pass, each with the kind of its shape. */
const BLOCK_HOOKS = {
  /** What the block reads, (B,T,C). */
  hook_resid_pre: "residual",
  /** What ln_1 divides by, (B,T,1). */
  "ln1.hook_scale": "scale",
  /** Centred and divided, before gamma and beta, (B,T,C). */
  "ln1.hook_normalized": "residual",
  /** Before the scores' scale, (B,T,H,D). */
  "attn.hook_q": "perHead",
  "attn.hook_k": "perHead",
  "attn.hook_v": "perHead",
  /** q·kᵀ/√D, and −Infinity where the key comes after the query, (B,H,T,T). */
  "attn.hook_attn_scores": "scores",
  /** Their softmax over keys. */
  "attn.hook_pattern": "scores",
  /** Values weighed by the pattern, before c_proj, (B,T,H,D). */
  "attn.hook_z": "perHead",
  /** What each head writes, (B,T,H,C); their sum and c_proj's bias are `hook_attn_out`. */
  "attn.hook_result": "perHead",
  hook_attn_out: "residual",
  hook_resid_mid: "residual",
  "ln2.hook_scale": "scale",
  "ln2.hook_normalized": "residual",
  /** Before GELU, (B,T,M). */
  "mlp.hook_pre": "inner",
  "mlp.hook_post": "inner",
  hook_mlp_out: "residual",
  hook_resid_post: "residual",
} as const satisfies Record<string, keyof HookShapes>;

/** Hooks outside of the blocks. */
const OTHER_HOOKS = {
  hook_embed: "residual",
  hook_pos_embed: "residual",
  "ln_final.hook_scale": "scale",
  "ln_final.hook_normalized": "residual",
} as const satisfies Record<string, keyof HookShapes>;

/** A hook of a block, without the block: `attn.hook_pattern`. */
export type BlockHook = keyof typeof BLOCK_HOOKS;
/** A hook: `hook_embed`, `blocks.0.attn.hook_pattern`, `ln_final.hook_normalized`. */
export type HookName = keyof typeof OTHER_HOOKS | `blocks.${number}.${BlockHook}`;
/** The shape of the tensor at a hook. */
export type HookShape<N extends HookName> = N extends `blocks.${number}.${infer K extends BlockHook}`
  ? HookShapes[(typeof BLOCK_HOOKS)[K]]
  : N extends keyof typeof OTHER_HOOKS
    ? HookShapes[(typeof OTHER_HOOKS)[N]]
    : never;

/** The hooks of any block, in the order of the forward pass. */
export const blockHooks = Object.keys(BLOCK_HOOKS) as readonly BlockHook[];

/** Where a norm is read, as TransformerLens calls it: `blocks.0.ln1`, `blocks.0.ln2`, `ln_final`. */
export type NormHooks = `blocks.${number}.ln1` | `blocks.${number}.ln2` | "ln_final";

/**
 * The site whose norm the hooks of a place are of. A ln_1 has two: where they hold different norms, `ln1` is that of
 * queries and keys, and that of values alone where the other is folded.
 */
export function hookedSite(place: NormHooks, norms: NormTable): NormSite {
  if (place === "ln_final") return "ln_f";
  const [, layer, ln] = /^blocks\.(\d+)\.(ln[12])$/.exec(place) ?? [];
  const i = Number(layer);
  if (ln === "ln2") return `h.${i}.ln_2`;
  return norms[`h.${i}.ln_1:qk`].kind === "folded" ? `h.${i}.ln_1:v` : `h.${i}.ln_1:qk`;
}

/** What a model of these norms has at a place of a norm: one number that it divides each token by, or why not. */
function withoutScale(place: NormHooks, norms: NormTable): string | undefined {
  const site = hookedSite(place, norms);
  const norm = norms[site];
  const why = (what: string) => `the norm at ${site} ${what}`;
  if (norm.kind === "folded") return why("is folded into the weights, and divides by nothing");
  if (norm.kind === "tapered") return why("is on its way out, and divides by two numbers");
  if (norm.kind === "own") return why(`is ${JSON.stringify(norm.name)}, and what it does is not known`);
  if (norm.kind === "frozen" && norm.firstChannel !== undefined) {
    return why("divides channel 0 by another number than the rest");
  }
  return undefined;
}

/** The hooks that a model has, in the order of the forward pass: all names but those of norms that divide by nothing. */
export function hookNames({
  config,
  norms,
}: {
  readonly config: Pick<Gpt2Config, "layers">;
  readonly norms: NormTable;
}): HookName[] {
  const names: HookName[] = ["hook_embed", "hook_pos_embed"];
  for (let i = 0; i < config.layers; i++)
    names.push(...blockHooks.map((hook): HookName => `blocks.${i}.${hook}`));
  names.push("ln_final.hook_scale", "ln_final.hook_normalized");
  return names.filter((name) => !whyNone(name, norms));
}

/** Why a hook of a norm is not there in a model of these norms; undefined where it is, and for other hooks. */
export function whyNone(name: HookName, norms: NormTable): string | undefined {
  const [, place] = /^(.*ln(?:1|2|_final))\.hook_(?:scale|normalized)$/.exec(name) ?? [];
  return place === undefined ? undefined : withoutScale(place as NormHooks, norms);
}

/** @throws RangeError for a name that no hook of this model has, saying why */
export function checkHookName(
  name: string,
  model: { readonly config: Pick<Gpt2Config, "layers">; readonly norms: NormTable },
): asserts name is HookName {
  const { layers } = model.config;
  const [, layer, hook] = /^blocks\.(\d+)\.(.*)$/.exec(name) ?? [];
  const known =
    hook === undefined ? name in OTHER_HOOKS : hook in BLOCK_HOOKS && String(Number(layer)) === layer;
  if (!known) throw new RangeError(`there is no hook ${name}; hookNames lists those of a model`);
  if (hook !== undefined && Number(layer) >= layers) {
    throw new RangeError(`there is no hook ${name}; the model's blocks are 0 to ${layers - 1}`);
  }
  const why = whyNone(name as HookName, model.norms);
  if (why) throw new RangeError(`there is no hook ${name}: ${why}`);
}
