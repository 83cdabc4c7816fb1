/**
 * The residual as a sum of what was written into it: token and position embedding, every head, every MLP or each of its
 * neurons, and the biases. What does not depend on the text counts as bias: with c_proj's own, a head's value bias, and the
 * beta of ln_1 that its values read, since attention sums to one. So a frozen model and its fold have the same parts.
 * Float32 from the backend, float64 from there on.
 */
import type { HookName, HostTokens, Model } from "@normless/gpt2";
import type { TensorData } from "@normless/tensor";
import { freeAll } from "../run/cache.js";
import { pass, passBody } from "../run/pass.js";
import { addProduct, type PartWeights } from "./part-weights.js";

/** What may write into the residual. */
export type PartKind = "token" | "position" | "head" | "mlp" | "neuron" | "bias";

/** What writes into the residual, by its name. */
export interface Part {
  /**
   * `token`, `position`, `h.0.attn.2` (head 2 of layer 0), `h.0.attn.bias`, `h.0.mlp` or `h.0.mlp.7` (its neuron 7),
   * `h.0.mlp.bias`.
   */
  readonly name: string;
  readonly kind: PartKind;
  readonly layer?: number;
  readonly head?: number;
  readonly neuron?: number;
}

/** A part and what it writes into the residual at one position, (C). */
export interface Written extends Part {
  readonly values: Float64Array;
}

/** A place in the residual: what has been written before it. */
export type ResidualName = `blocks.${number}.hook_resid_${"pre" | "mid" | "post"}`;

/** How many blocks have written all of theirs before a place, and whether the next one's attention has, too. */
export interface Depth {
  readonly blocks: number;
  readonly attention: boolean;
}

/** Where the head reads. */
export function finalResidual({ config }: Pick<Model, "config">): ResidualName {
  return `blocks.${config.layers - 1}.hook_resid_post`;
}

/** What has been written before a place. */
export function depthOf(name: ResidualName): Depth {
  const [, layer, which] = /^blocks\.(\d+)\.hook_resid_(pre|mid|post)$/.exec(name) ?? [];
  return { blocks: Number(layer) + (which === "post" ? 1 : 0), attention: which === "mid" };
}

/** A batch as it went through the model, read to the host, by the names of hooks. */
export interface Captured {
  readonly tensors: Readonly<Record<string, TensorData>>;
  /** (B,T,V), where they were asked for. */
  readonly logits: TensorData;
}

/** Runs a batch, and reads tensors; with `head`, logits, too. */
export async function capture(
  model: Model,
  batch: HostTokens,
  names: readonly HookName[],
  { head = false }: { readonly head?: boolean } = {},
): Promise<Captured> {
  const { logits, kept } = head
    ? pass(model, batch, { keep: names })
    : { logits: undefined, kept: passBody(model, batch, { keep: names }) };
  const { backend } = model.params["wte.weight"];
  const values = await backend.readMany([...names.map((name) => kept[name]), ...(logits ? [logits] : [])]);
  freeAll([...Object.values(kept), ...(logits ? [logits] : [])]);
  return {
    tensors: Object.fromEntries(names.map((name, i) => [name, values[i]])),
    logits: logits ? values[names.length] : new Float32Array(),
  };
}

/** The tensors that parts up to a place are told by, and the residual there. */
export function namesForParts(
  name: ResidualName,
  { neurons = false }: { readonly neurons?: boolean } = {},
): HookName[] {
  const { blocks, attention } = depthOf(name);
  const heads = Array.from(
    { length: blocks + Number(attention) },
    (_, i): HookName => `blocks.${i}.attn.hook_z`,
  );
  const mlps = Array.from(
    { length: blocks },
    (_, i): HookName => `blocks.${i}.${neurons ? "mlp.hook_post" : "hook_mlp_out"}`,
  );
  return [...heads, ...mlps, name];
}

/** A place in a batch: row b·T + t, and the token that stands there. */
export interface Place {
  readonly row: number;
  readonly id: number;
  readonly t: number;
}

/** What was written into the residual at a place of a batch, up to a depth; the sum is the residual there. */
export function* partsAt(
  { config }: Pick<Model, "config">,
  weights: PartWeights,
  { tensors }: Pick<Captured, "tensors">,
  { row, id, t }: Place,
  { blocks, attention }: Depth = { blocks: config.layers, attention: false },
): Generator<Written, void> {
  const { channels: C, heads: H, inner: M } = config;
  const D = C / H;
  const rowOf = (values: TensorData, at: number, width = C) =>
    Float64Array.from(values.subarray(at * width, (at + 1) * width));
  yield { name: "token", kind: "token", values: rowOf(weights.wte, id) };
  yield { name: "position", kind: "position", values: rowOf(weights.wpe, t) };
  for (let layer = 0; layer < blocks + Number(attention); layer++) {
    const { projection, value, attentionBias, mlpBias, neurons } = weights.layers[layer];
    const output = rowOf(tensors[`blocks.${layer}.attn.hook_z`], row).map((x, c) => x - value[c]);
    for (let head = 0; head < H; head++) {
      const values = new Float64Array(C);
      addProduct(values, output.subarray(head * D, (head + 1) * D), projection, head * D);
      yield { name: `h.${layer}.attn.${head}`, kind: "head", layer, head, values };
    }
    yield { name: `h.${layer}.attn.bias`, kind: "bias", layer, values: attentionBias };
    if (layer === blocks) return;
    if (neurons) {
      const active = rowOf(tensors[`blocks.${layer}.mlp.hook_post`], row, M);
      for (let neuron = 0; neuron < M; neuron++) {
        const values = rowOf(neurons, neuron).map((x) => x * active[neuron]);
        yield { name: `h.${layer}.mlp.${neuron}`, kind: "neuron", layer, neuron, values };
      }
    } else {
      const values = rowOf(tensors[`blocks.${layer}.hook_mlp_out`], row).map((x, c) => x - mlpBias[c]);
      yield { name: `h.${layer}.mlp`, kind: "mlp", layer, values };
    }
    yield { name: `h.${layer}.mlp.bias`, kind: "bias", layer, values: mlpBias };
  }
}
