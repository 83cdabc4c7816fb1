/**
 * Parameters out of safetensors files as Hugging Face names them, and back. Names come with or without the prefix
 * `transformer.`; a tied head may be written out; old files hold the attention's causal masks as buffers.
 * Source: `GPT2LMHeadModel` in transformers, and the published openai-community/gpt2.
 */
import type { Store, TensorEntry } from "@normless/safetensors";
import type { Gpt2Config } from "./config.js";
import { checkModel, type HostTensor, type Weights } from "./params.js";
import type { NormTable } from "./sites.js";

const PREFIX = "transformer.";
const MASKS = /^h\.\d+\.attn\.(bias|masked_bias)$/;

/** The float types that weights are written in. */
export type WeightDtype = "F32" | "F16" | "BF16";

/** The largest finite float16, and half a step more: from there on it rounds to infinity. */
const F16_OVERFLOW = 65520;

/**
 * All parameters as float32. A head that equals the tied embedding is dropped; one that differs unties the config,
 * which is why the config comes back.
 * @param where how errors call the files
 * @throws Error naming the parameter, both shapes and the files, when the store is not of this config.
 */
export async function readWeights(
  store: Store,
  config: Gpt2Config,
  norms: NormTable,
  where: string,
): Promise<{ readonly config: Gpt2Config; readonly weights: Weights }> {
  const stored = storedNames(store, where);
  const infos = Object.fromEntries([...stored].map(([name, key]) => [name, store.info(key)]));
  // A head in the file is checked like any parameter, whether the config ties it or not.
  const untied = { ...config, tied: config.tied && !stored.has("lm_head.weight") };
  checkModel({ config: untied, weights: infos, norms }, where);

  const weights: Record<string, HostTensor> = {};
  for (const [name, key] of stored) {
    weights[name] = { shape: store.info(key).shape, data: await store.readFloat32(key) };
  }
  if (config.tied && !untied.tied && sameValues(weights["lm_head.weight"], weights["wte.weight"])) {
    delete weights["lm_head.weight"];
    return { config, weights };
  }
  return { config: untied, weights };
}

/**
 * The parameters as tensors to write, named as `GPT2LMHeadModel.save_pretrained` does; a tied head is left out.
 * @throws RangeError naming the parameter that float16 cannot hold.
 */
export function weightEntries(weights: Weights, dtype: WeightDtype): TensorEntry[] {
  return Object.entries(weights).map(([name, { shape, data }]) => {
    if (dtype === "F16") checkFloat16(name, data);
    return { name: name.startsWith("lm_head.") ? name : PREFIX + name, dtype, shape, data };
  });
}

/** Our name of each parameter in the store → the store's. */
function storedNames(store: Store, where: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const key of store.names()) {
    const name = key.startsWith(PREFIX) ? key.slice(PREFIX.length) : key;
    if (MASKS.test(name)) continue;
    const other = names.get(name);
    if (other !== undefined) {
      throw new Error(`${where}: "${other}" and "${key}" are both parameter ${name}; keep one of them`);
    }
    names.set(name, key);
  }
  return names;
}

function sameValues(a: HostTensor, b: HostTensor): boolean {
  return a.data.length === b.data.length && a.data.every((value, i) => value === b.data[i]);
}

function checkFloat16(name: string, data: Float32Array): void {
  const value = data.find((x) => Math.abs(x) >= F16_OVERFLOW && Number.isFinite(x));
  if (value === undefined) return;
  throw new RangeError(
    `parameter ${name} holds ${value}, which float16 cannot hold (its largest is 65504); write F32 or BF16`,
  );
}
