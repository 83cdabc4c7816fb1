/**
 * The norms of a 2025 training checkpoint: its `FakeLayerNorm` keeps buffers beside gamma and beta, which say whether
 * the norm is frozen ("fake") on each path, and at what. All other buffers there (moving means, counters) do nothing
 * in a forward pass. Source: `FakeLayerNorm` in train.py of submarat/removing-layer-norm.
 */
import { frozenNorm, type Norm } from "@normless/layernorm";
import type { PerClass } from "@normless/tensor";
import type { Store } from "@normless/safetensors";
import type { Gpt2Config } from "../model/config.js";
import { moduleOf, type NormModule, normSites, type NormTable } from "../model/sites.js";

/** `h.0.ln_1.is_fake`: whatever a norm module keeps besides gamma and beta. */
const BUFFER = /^(h\.\d+\.ln_[12]|ln_f)\.(?!(?:weight|bias)$)/;

/** Says whether a norm is frozen, or how it is computed. */
const FLAG = /\.(_?(attn_v_)?is_fake|mode_buffer)$/;

/** Whether a tensor of this name is a buffer of a `FakeLayerNorm`, which is no parameter. */
export function isNormBuffer(name: string): boolean {
  return BUFFER.test(name);
}

/** Buffers by their names in the store, without the prefix. */
export interface NormBuffers {
  readonly store: Store;
  readonly keys: ReadonlyMap<string, string>;
}

/**
 * The table with each site as its module's buffers say. `average_std` has one value a channel or, in runs that treat
 * the first position apart, one a position. One with a value a channel whose first differs is what the code of 2024
 * left: it meant position 0 and divided channel 0. Any other channel with a constant of its own is refused.
 * @throws Error naming the buffer, its values and what that means.
 */
export async function normsFromBuffers(
  buffers: NormBuffers,
  { config, norms }: { readonly config: Gpt2Config; readonly norms: NormTable },
): Promise<NormTable> {
  const table: Record<string, Norm> = { ...norms };
  const [stranger] = buffers.keys.values();
  if (![...buffers.keys.keys()].some((name) => FLAG.test(name))) {
    throw new Error(
      `tensor ${stranger} is no parameter of a GPT-2, and no buffer says which norms are frozen, as checkpoints of the ` +
        "2025 training do. What model is it?",
    );
  }
  for (const site of normSites(config)) {
    const module = moduleOf(site);
    const onValues = site.endsWith(":v");
    if (!(await isFake(buffers, module, onValues ? "attn_v_is_fake" : "is_fake"))) continue;
    const { first, rest, firstChannel } = await constants(buffers, module, "average_std", config);
    // The value path alone takes bos_std at end-of-text (not at position 0, which is a class of its own here).
    const eot = onValues ? (await constants(buffers, module, "bos_std", config)).rest : rest;
    table[site] = frozenNorm({ first, eot, rest }, firstChannel);
  }
  return table;
}

async function isFake(buffers: NormBuffers, module: NormModule, flag: string): Promise<boolean> {
  if (buffers.keys.has(`${module}.mode_buffer`)) {
    throw new Error(
      `${module}.mode_buffer is of a training of March 2025 whose frozen norms did not subtract the mean; ` +
        "that is another model, which is not read",
    );
  }
  const key = buffers.keys.get(`${module}.${flag}`) ?? buffers.keys.get(`${module}._${flag}`);
  if (key === undefined) return false;
  const [value] = await buffers.store.readTensor(key);
  return Number(value) !== 0;
}

/** A vector of stds as the constants of the first position and of the rest, or of channel 0. */
async function constants(
  { store, keys }: NormBuffers,
  module: NormModule,
  name: string,
  { channels, blockSize }: Gpt2Config,
): Promise<Pick<PerClass, "first" | "rest"> & { readonly firstChannel?: number }> {
  const found = [`${module}.${name}`, `${module}.${name}_buffer`].find((candidate) => keys.has(candidate));
  if (found === undefined) {
    throw new Error(`${module}.is_fake says that the norm is frozen, but there is no ${module}.${name}`);
  }
  const stds = await store.readFloat32(keys.get(found)!);
  const [first] = stds;
  const rest = stds.length > 1 ? stds[1] : first;
  const other = stds.findIndex((std, i) => i > 0 && std !== rest);
  if (other < 0 && (first === rest || (stds.length === blockSize && blockSize !== channels))) {
    return { first, rest };
  }
  if (other < 0 && stds.length === channels) return { first: rest, rest, firstChannel: first };
  const element = other < 0 ? 0 : other;
  const meant = stds.length === channels ? `channel ${element}` : `element ${element}`;
  throw new Error(
    `${found}: ${meant} is ${stds[element]}, and the others are ${rest}. A norm is frozen at one constant here, or at ` +
      "one for the first position or for channel 0 and another for the rest",
  );
}
