/**
 * A folded model under TransformerLens's names and shapes, and back: heads apart, (H,C,D), and an unembedding (C,V).
 * With them TransformerLens runs it with `normalization_type=None`: 3 in a `HookedTransformer`, 4 in a native bridge,
 * through its `convert_tl_checkpoint`. Values are moved, never changed, but for `centreWriters`.
 * Source: https://transformerlensorg.github.io/TransformerLens, `convert_gpt2_weights`.
 */
import { centreRows, centreVector } from "@normless/layernorm";
import { type Gpt2Config, hasPlainAttention } from "../model/config.js";
import { checkWeights, type HostModel, type HostTensor, type Weights } from "../model/params.js";
import { isFolded } from "../model/sites.js";

/** Causal masks, which TransformerLens keeps among its weights. */
export const LENS_MASKS = /^blocks\.\d+\.attn\.(mask|IGNORE)$/;

/** Whether parameters of these names are TransformerLens's. */
export function hasLensNames(names: { has(name: string): boolean }): boolean {
  return names.has("embed.W_E");
}

/**
 * A folded model's parameters under TransformerLens's names and shapes. @throws Error unless every norm is folded and
 * attention plain: TransformerLens has no frozen norm.
 */
export function toTransformerLens({ config, weights, norms }: HostModel): Weights {
  if (!isFolded(norms)) {
    throw new Error("TransformerLens has no frozen norm: fold the model before (foldModel)");
  }
  if (!hasPlainAttention(config)) {
    throw new Error(
      "the config has a scale of attention's own, which TransformerLens's names cannot tell: fold it into the weights " +
        "before (foldModel)",
    );
  }
  const lens: Record<string, HostTensor> = {};
  for (const { lensName, name, shape, part, move } of places(config)) {
    lens[lensName] = { shape, data: move.to(partOf(weights[name], part)) };
  }
  return lens;
}

/**
 * Our parameters out of TransformerLens's. @throws Error naming the parameter that is missing, too many, or of another
 * shape.
 */
export function fromTransformerLens(config: Gpt2Config, lens: Weights, where: string): Weights {
  const weights: Record<string, HostTensor> = {};
  const expected = places(config);
  const stranger = Object.keys(lens).find((name) => !expected.some(({ lensName }) => lensName === name));
  if (stranger !== undefined) {
    throw new Error(`${where}: parameter ${stranger} is not part of a folded GPT-2 of this config`);
  }
  for (const { lensName, name, shape, part, ours, move } of expected) {
    const given = lens[lensName];
    if (given?.shape.join() !== shape.join()) {
      const is = given ? `has shape [${given.shape.join()}]` : "is missing";
      throw new Error(
        `${where}: parameter ${lensName} ${is}; the config asks for ${lensName} [${shape.join()}]`,
      );
    }
    weights[name] ??= { shape: ours, data: new Float32Array(ours.reduce((size, dim) => size * dim, 1)) };
    putPart(weights[name], part, move.from(given.data));
  }
  checkWeights(config, weights, where);
  return weights;
}

/**
 * Everything that a folded model adds to the residual, minus its mean over the channels: wte, wpe, and the c_proj with
 * their biases. The folded readers ignore that mean, so that the logits stay; TransformerLens calls it
 * `center_writing_weights`. @throws Error for a model whose norms are not folded, or whose head is its embedding.
 */
export function centreWriters(model: HostModel): HostModel {
  if (!isFolded(model.norms) || model.config.tied) {
    throw new Error(
      "centreWriters: only a folded model with a head of its own can be centred; fold it before",
    );
  }
  const weights = Object.entries(model.weights).map(([name, tensor]) => {
    if (/^w[tp]e\.|c_proj\.weight$/.test(name)) {
      const [rows, columns] = tensor.shape;
      const { data } = centreRows({ rows, columns, data: Float64Array.from(tensor.data) });
      return [name, { ...tensor, data: Float32Array.from(data) }] as const;
    }
    if (!name.endsWith("c_proj.bias")) return [name, tensor] as const;
    const data = centreVector(Float64Array.from(tensor.data));
    return [name, { ...tensor, data: Float32Array.from(data) }] as const;
  });
  return { ...model, weights: Object.fromEntries(weights) };
}

/** The columns `[part·width, (part+1)·width)` of `parts`. */
interface Part {
  readonly index: number;
  readonly of: number;
}

/** How values lie in the other shape. */
interface Move {
  to(data: Float32Array): Float32Array;
  from(data: Float32Array): Float32Array;
}

interface Place {
  readonly lensName: string;
  readonly shape: readonly number[];
  /** Our parameter, its shape, and which third of its columns this is. */
  readonly name: string;
  readonly ours: readonly number[];
  readonly part: Part;
  readonly move: Move;
}

const AS_IT_IS: Move = { to: (data) => data, from: (data) => data };

/** Every parameter of TransformerLens, and where it is among ours. */
function places({ vocabSize: V, blockSize: T, channels: C, heads: H, inner, layers }: Gpt2Config): Place[] {
  const D = C / H;
  const all: Place[] = [];
  const place = (
    lensName: string,
    shape: readonly number[],
    name: string,
    { ours = shape, part = { index: 0, of: 1 }, move = AS_IT_IS }: Partial<Place> = {},
  ) => all.push({ lensName, shape, name, ours, part, move });
  place("embed.W_E", [V, C], "wte.weight");
  place("pos_embed.W_pos", [T, C], "wpe.weight");
  for (let i = 0; i < layers; i++) {
    const to = `blocks.${i}`;
    const from = `h.${i}`;
    for (const [index, letter] of ["Q", "K", "V"].entries()) {
      const part = { index, of: 3 };
      const move = swapAxes({ outer: C, middle: H, inner: D });
      place(`${to}.attn.W_${letter}`, [H, C, D], `${from}.attn.c_attn.weight`, {
        ours: [C, 3 * C],
        part,
        move,
      });
      place(`${to}.attn.b_${letter}`, [H, D], `${from}.attn.c_attn.bias`, { ours: [3 * C], part });
    }
    place(`${to}.attn.W_O`, [H, D, C], `${from}.attn.c_proj.weight`, { ours: [C, C] });
    place(`${to}.attn.b_O`, [C], `${from}.attn.c_proj.bias`);
    place(`${to}.mlp.W_in`, [C, inner], `${from}.mlp.c_fc.weight`);
    place(`${to}.mlp.b_in`, [inner], `${from}.mlp.c_fc.bias`);
    place(`${to}.mlp.W_out`, [inner, C], `${from}.mlp.c_proj.weight`);
    place(`${to}.mlp.b_out`, [C], `${from}.mlp.c_proj.bias`);
  }
  const move = swapAxes({ outer: V, middle: C, inner: 1 });
  place("unembed.W_U", [C, V], "lm_head.weight", { ours: [V, C], move });
  place("unembed.b_U", [V], "lm_head.bias");
  return all;
}

/** (outer, middle, inner) to (middle, outer, inner), and back. */
function swapAxes({ outer, middle, inner }: Readonly<Record<"outer" | "middle" | "inner", number>>): Move {
  const swap = (data: Float32Array, rows: number, columns: number) => {
    const swapped = new Float32Array(data.length);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        const from = (r * columns + c) * inner;
        const to = (c * rows + r) * inner;
        for (let k = 0; k < inner; k++) swapped[to + k] = data[from + k];
      }
    }
    return swapped;
  };
  return { to: (data) => swap(data, outer, middle), from: (data) => swap(data, middle, outer) };
}

function partOf({ shape, data }: HostTensor, { index, of }: Part): Float32Array {
  if (of === 1) return data;
  const columns = shape[shape.length - 1];
  const width = columns / of;
  const part = new Float32Array(data.length / of);
  for (let r = 0; r < data.length / columns; r++) {
    const begin = r * columns + index * width;
    part.set(data.subarray(begin, begin + width), r * width);
  }
  return part;
}

function putPart({ shape, data }: HostTensor, { index, of }: Part, part: Float32Array): void {
  const columns = shape[shape.length - 1];
  const width = columns / of;
  for (let r = 0; r < data.length / columns; r++) {
    data.set(part.subarray(r * width, (r + 1) * width), r * columns + index * width);
  }
}
