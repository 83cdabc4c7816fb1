/** What is patched: a tensor of each block, as a whole, or position by position, head by head. */
import type { BlockHook, HookName, Model } from "@normless/gpt2";

/** A dimension that patches go along. */
export type PatchAxis = "position" | "head";

/** The tensors of a block that can be patched, with the dimension of each axis that they have. */
const POINTS = {
  hook_resid_pre: { position: 1 },
  hook_attn_out: { position: 1 },
  hook_resid_mid: { position: 1 },
  hook_mlp_out: { position: 1 },
  hook_resid_post: { position: 1 },
  "mlp.hook_pre": { position: 1 },
  "mlp.hook_post": { position: 1 },
  "attn.hook_q": { head: 2, position: 1 },
  "attn.hook_k": { head: 2, position: 1 },
  "attn.hook_v": { head: 2, position: 1 },
  "attn.hook_z": { head: 2, position: 1 },
  "attn.hook_result": { head: 2, position: 1 },
  /** The position is the query's. */
  "attn.hook_pattern": { head: 1, position: 2 },
} as const satisfies Partial<Record<BlockHook, Partial<Record<PatchAxis, number>>>>;

/** A tensor of a block that can be patched. */
export type PatchPoint = keyof typeof POINTS;

/** What is patched and how finely. */
export interface PatchOptions {
  readonly at: PatchPoint;
  /**
   * What is patched alone, in this order: each position, each head, or each head at each position; with none, the whole
   * tensor. Default: each position of a residual, each head of what has heads.
   */
  readonly by?: readonly PatchAxis[];
  /** Default: all. */
  readonly layers?: readonly number[];
}

/** A value for each patch. */
export interface PatchValues {
  readonly at: PatchPoint;
  /** `layer`, then what `by` says. */
  readonly axes: readonly ("layer" | PatchAxis)[];
  readonly layers: readonly number[];
  /** The sizes of the axes. */
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Float64Array;
}

/** The options with their defaults. @throws RangeError for what cannot be patched, a layer that is not there, or an axis that it does not have */
export function planned(
  { config }: Pick<Model, "config">,
  T: number,
  { at, by, layers = Array.from({ length: config.layers }, (_, i) => i) }: PatchOptions,
  what: string,
): PatchPlan {
  if (!(at in POINTS)) {
    throw new RangeError(`${what}: ${at} cannot be patched; these can: ${Object.keys(POINTS).join(", ")}`);
  }
  const dims: Partial<Record<PatchAxis, number>> = POINTS[at];
  const axes = by ?? ("head" in dims ? ["head"] : ["position"]);
  const missing = axes.find((axis) => dims[axis] === undefined);
  if (missing !== undefined) throw new RangeError(`${what}: ${at} has no ${missing}s to go by`);
  const none = layers.find((layer) => !(Number.isInteger(layer) && layer >= 0 && layer < config.layers));
  if (none !== undefined) {
    throw new RangeError(`${what}: there is no layer ${none}; the model's are 0 to ${config.layers - 1}`);
  }
  const sizes = axes.map((axis) => (axis === "head" ? config.heads : T));
  return { at, layers, axes, sizes, dims: axes.map((axis) => dims[axis]!) };
}

/** What is patched in each layer. */
export interface PatchPlan {
  readonly at: PatchPoint;
  readonly layers: readonly number[];
  readonly axes: readonly PatchAxis[];
  readonly sizes: readonly number[];
  /** The dimension of each axis in the tensor. */
  readonly dims: readonly number[];
}

/** The hook of a layer. */
export function hookOf({ at }: Pick<PatchPlan, "at">, layer: number): HookName {
  return `blocks.${layer}.${at}`;
}

/** The places of a layer's patches, an index for each axis, the last going fastest. */
export function placesOf({ sizes }: Pick<PatchPlan, "sizes">): number[][] {
  return sizes.reduce<number[][]>(
    (places, size) => places.flatMap((place) => Array.from({ length: size }, (_, i) => [...place, i])),
    [[]],
  );
}

/** The values of a plan's patches as a result. */
export function valuesOf({ at, layers, axes, sizes }: PatchPlan, values: Float64Array): PatchValues {
  return { at, layers, axes: ["layer", ...axes], shape: [layers.length, ...sizes], values };
}
