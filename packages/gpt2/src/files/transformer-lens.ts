/**
 * A folded model under TransformerLens's names and shapes, and back: heads apart, (H,C,D), and an unembedding (C,V).
 * With them TransformerLens runs it with `normalization_type=None`: 3 in a `HookedTransformer`, 4 in a native bridge,
 * through its `convert_tl_checkpoint`. Values are moved, never changed, but for `centreWriters`.
 * Source: https://transformerlensorg.github.io/TransformerLens, `convert_gpt2_weights`.
 */
import { centreRows } from "@normless/layernorm";
import { type Shape, sizeOf } from "@normless/tensor";
import { type Gpt2Config, hasPlainAttention } from "../model/config.js";
import { checkWeights } from "../model/params.js";
import {
  type HostModel,
  type HostTensor,
  readValues,
  type TensorInMemory,
  type Weights,
} from "../model/weights.js";
import { isFolded } from "../model/sites.js";
import { rowParts } from "../folding/rows.js";

/** Causal masks, which TransformerLens keeps among its weights. */
export const LENS_MASKS = /^blocks\.\d+\.attn\.(mask|IGNORE)$/;

/** Whether parameters of these names are TransformerLens's. */
export function hasLensNames(names: { has(name: string): boolean }): boolean {
  return names.has("embed.W_E");
}

/**
 * A folded model's parameters under TransformerLens's names and shapes, each moved when it is asked for. @throws Error
 * unless every norm is folded and attention plain: TransformerLens has no frozen norm.
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
  // Whoever takes the parts in their order reads what they are parts of once.
  const kept = new Map<string, Promise<Float32Array>>();
  for (const { lensName, name, shape, ours, part, move } of places(config)) {
    lens[lensName] = {
      shape,
      data: async () => {
        const reading = (part.index > 0 ? kept.get(name) : undefined) ?? readValues(weights[name]);
        if (part.index < part.of - 1) kept.set(name, reading);
        else kept.delete(name);
        return move.to(partOf({ shape: ours, data: await reading }, part));
      },
    };
  }
  return lens;
}

/**
 * Our parameters out of TransformerLens's, each moved when it is asked for. @throws Error naming the parameter that is
 * missing, too many, or of another shape.
 */
export function fromTransformerLens(config: Gpt2Config, lens: Weights, where: string): Weights {
  const expected = places(config);
  const stranger = Object.keys(lens).find((name) => !expected.some(({ lensName }) => lensName === name));
  if (stranger !== undefined) {
    throw new Error(`${where}: parameter ${stranger} is not part of a folded GPT-2 of this config`);
  }
  for (const { lensName, shape } of expected) {
    const given = lens[lensName];
    if (given?.shape.join() !== shape.join()) {
      const is = given ? `has shape [${given.shape.join()}]` : "is missing";
      throw new Error(
        `${where}: parameter ${lensName} ${is}; the config asks for ${lensName} [${shape.join()}]`,
      );
    }
  }
  const weights = Object.fromEntries(
    expected.map(({ name, ours }) => {
      const parts = expected.filter((place) => place.name === name);
      return [name, { shape: ours, data: () => joined(parts, lens) }] as const;
    }),
  );
  checkWeights(config, weights, where);
  return weights;
}

/** A parameter of ours out of all its parts. */
async function joined(parts: readonly Place[], lens: Weights): Promise<Float32Array> {
  const [{ ours: shape, part, lensName, move }] = parts;
  if (part.of === 1) return move.from(await readValues(lens[lensName]));
  const data = new Float32Array(sizeOf(shape));
  for (const { lensName, part, move } of parts) {
    putPart({ shape, data }, part, move.from(await readValues(lens[lensName])));
  }
  return data;
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
    if (!/^w[tp]e\.|c_proj\.(weight|bias)$/.test(name)) return [name, tensor] as const;
    return [
      name,
      { shape: tensor.shape, data: async () => centred(tensor.shape, await readValues(tensor)) },
    ] as const;
  });
  return { ...model, weights: Object.fromEntries(weights) };
}

/** Each row, or the vector, minus its mean. */
function centred(shape: Shape, values: Float32Array): Float32Array {
  const columns = shape[shape.length - 1];
  const data = new Float32Array(values.length);
  for (const { first, w } of rowParts(values, columns)) data.set(centreRows(w).data, first * columns);
  return data;
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

function partOf({ shape, data }: TensorInMemory, { index, of }: Part): Float32Array {
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

function putPart({ shape, data }: TensorInMemory, { index, of }: Part, part: Float32Array): void {
  const columns = shape[shape.length - 1];
  const width = columns / of;
  for (let r = 0; r < data.length / columns; r++) {
    data.set(part.subarray(r * width, (r + 1) * width), r * columns + index * width);
  }
}
