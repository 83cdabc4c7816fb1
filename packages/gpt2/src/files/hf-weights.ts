/**
 * Parameters out of safetensors files as Hugging Face names them, and back. Names come with or without the prefix
 * `transformer.`; a tied head may be written out; old files hold the attention's causal masks as buffers; training
 * checkpoints of 2025 hold buffers in every norm; a model may have TransformerLens's names and shapes instead.
 * Source: `GPT2LMHeadModel` in transformers, and the published openai-community/gpt2.
 */
import type { Store, TensorEntry } from "@normless/safetensors";
import { FormatError } from "@normless/text";
import type { Gpt2Config } from "../model/config.js";
import { isNormBuffer, normsFromBuffers } from "./fake-layer-norm.js";
import { checkFinite, elementOf } from "../model/finite.js";
import { checkEps, detectLayout, type Layout } from "./layout.js";
import { checkModel } from "../model/params.js";
import {
  gatherWeights,
  type HostModel,
  type HostTensor,
  readValues,
  type TensorInMemory,
  type Weights,
} from "../model/weights.js";
import { isFolded, type NormTable } from "../model/sites.js";
import { fromTransformerLens, hasLensNames, LENS_MASKS, toTransformerLens } from "./transformer-lens.js";

const PREFIX = "transformer.";
const MASKS = /^h\.\d+\.attn\.(bias|masked_bias)$/;
/** Gamma and beta: small, and they tell what a model is. */
const OF_NORM = /(^|\.)ln_(1|2|f)\.(weight|bias)$/;

/** The float types that weights are written in. */
export type WeightDtype = "F32" | "F16" | "BF16";

/** The largest that a dtype holds, and half a step more, from where on it rounds to infinity. */
const LIMITS: Readonly<Record<WeightDtype, { readonly largest: number; readonly overflow: number }>> = {
  F32: { largest: 2 ** 128 - 2 ** 104, overflow: Infinity },
  F16: { largest: 65504, overflow: 65520 },
  BF16: { largest: 2 ** 128 - 2 ** 120, overflow: 2 ** 128 - 2 ** 119 },
};

/** The names and shapes that weights are written under; TransformerLens's are for folded models alone. */
export type WeightNames = "transformers" | "transformer-lens";

/** What the files say that a model is. */
export interface ReadWeights extends HostModel {
  readonly layout: Layout;
}

/**
 * All parameters as float32, each read from the store when it is asked for, and refused then with a NotFiniteError where
 * a value is none; gamma and beta are read here. A head that equals the tied embedding is dropped, and one that differs
 * unties the config; the norms are those of config.json, or those that a training checkpoint's buffers tell.
 * @param where how errors call the files
 * @throws FormatError naming the parameter, both shapes and the files, when the store is not of this config.
 */
export async function readWeights(
  store: Store,
  config: Gpt2Config,
  norms: NormTable,
  where: string,
): Promise<ReadWeights> {
  const stored = storedNames(store, where);
  if (hasLensNames(stored)) return readLens(store, stored, { config, norms }, where);
  const buffers = { store, keys: new Map([...stored].filter(([name]) => isNormBuffer(name))) };
  const parameters = [...stored].filter(([name]) => !isNormBuffer(name));
  const infos = Object.fromEntries(parameters.map(([name, key]) => [name, store.info(key)]));
  // A head in the file is checked like any parameter, whether the config ties it or not.
  const untied = { ...config, tied: config.tied && !stored.has("lm_head.weight") };
  checkModel({ config: untied, weights: infos, norms }, where);

  const { "lm_head.weight": head, ...others } = inStore(store, parameters);
  const isTied = config.tied && !untied.tied && (await sameValues(head, others["wte.weight"]));
  const ofNorms = Object.entries(others).filter(([name]) => OF_NORM.test(name));
  const weights = {
    ...others,
    ...(await gatherWeights(Object.fromEntries(ofNorms))),
    ...(head && !isTied && { "lm_head.weight": head }),
  };
  const model = { config: isTied ? config : untied, weights };
  try {
    if (buffers.keys.size > 0) {
      const told = await normsFromBuffers(buffers, { config, norms });
      return { ...model, norms: told, layout: "training-checkpoint" };
    }
    await checkEps({ ...model, norms });
  } catch (cause) {
    throw new FormatError(`${where}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  return { ...model, norms, layout: await detectLayout({ ...model, norms }) };
}

function readLens(
  store: Store,
  stored: ReadonlyMap<string, string>,
  { config, norms }: Pick<HostModel, "config" | "norms">,
  where: string,
): ReadWeights {
  if (!isFolded(norms)) {
    throw new FormatError(
      `${where}: the weights have TransformerLens's names, and config.json does not say that the norms are folded; ` +
        "only a folded model is read from these names",
    );
  }
  const untied = { ...config, tied: false };
  const weights = fromTransformerLens(untied, inStore(store, stored), where);
  return { config: untied, weights, norms, layout: "transformer-lens" };
}

/** Parameters that are read when they are asked for; `stored` are our names and the store's. */
function inStore(store: Store, stored: Iterable<readonly [string, string]>): Record<string, HostTensor> {
  const tensors = [...stored].map(([name, key]) => {
    const { shape } = store.info(key);
    return [name, { shape, data: () => readFinite(store, name, key) }] as const;
  });
  return Object.fromEntries(tensors);
}

/** @throws NotFiniteError naming the file, the parameter and the element that is NaN or infinite. */
async function readFinite(store: Store, name: string, key: string): Promise<Float32Array> {
  const { dtype, shape } = store.info(key);
  const data = await store.readFloat32(key);
  const overflow =
    dtype === "F16"
      ? ". float16 has Infinity for what is above 65504: if that is what happened, get the model in F32 or BF16"
      : "";
  checkFinite(data, {
    what: `${store.file(key)}: parameter ${name}`,
    place: elementOf(shape),
    advice: `a model computes nothing with that. Get the file again, or a model whose training did not diverge${overflow}`,
  });
  return data;
}

/**
 * The parameters as tensors to write, named as `GPT2LMHeadModel.save_pretrained` or as TransformerLens does; a tied
 * head is left out. Each is read, or computed, when its turn comes, and checked then: a NotFiniteError names the parameter
 * and the element that is NaN or infinite, a RangeError the parameter that the dtype cannot hold.
 */
export function weightEntries(model: HostModel, dtype: WeightDtype, names: WeightNames): TensorEntry[] {
  const weights: Weights = names === "transformers" ? model.weights : toTransformerLens(model);
  const written = (name: string) =>
    names === "transformer-lens" || name.startsWith("lm_head.") ? name : PREFIX + name;
  return Object.entries(weights).map(([name, tensor]) => ({
    name: written(name),
    dtype,
    shape: tensor.shape,
    data: async () => {
      const data = await readValues(tensor);
      checkWritable(name, { shape: tensor.shape, data }, dtype);
      return data;
    },
  }));
}

/** Our name of each parameter in the store → the store's. */
function storedNames(store: Store, where: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const key of store.names()) {
    const name = key.startsWith(PREFIX) ? key.slice(PREFIX.length) : key;
    if (MASKS.test(name) || LENS_MASKS.test(name)) continue;
    const other = names.get(name);
    if (other !== undefined) {
      throw new FormatError(`${where}: "${other}" and "${key}" are both parameter ${name}; keep one of them`);
    }
    names.set(name, key);
  }
  return names;
}

async function sameValues(a: HostTensor, b: HostTensor): Promise<boolean> {
  const [x, y] = [await readValues(a), await readValues(b)];
  return x.every((value, i) => value === y[i]);
}

function checkWritable(name: string, { shape, data }: TensorInMemory, dtype: WeightDtype): void {
  checkFinite(data, {
    what: `parameter ${name}`,
    place: elementOf(shape),
    advice:
      "such a model is not written. Where it came of folding or converting, something passed float32's largest, 3.4e38",
  });
  const { overflow, largest } = LIMITS[dtype];
  const at = data.findIndex((x) => Math.abs(x) >= overflow);
  if (at < 0) return;
  throw new RangeError(
    `parameter ${name} holds ${data[at]} at ${elementOf(shape)(at)}, which ${dtype} cannot hold ` +
      `(its largest is ${largest}); write ${dtype === "F16" ? "F32 or BF16" : "F32"}`,
  );
}
