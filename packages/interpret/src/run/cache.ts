/** A run of which chosen tensors are kept. */
import type { HookName, HookShape, Model } from "@normless/gpt2";
import type { Tensor } from "@normless/tensor";
import { hooksOf, type HooksByName } from "./hooks.js";
import { chosenNames, type Wanted, type WantedNames } from "./names.js";
import { pass } from "./pass.js";
import { batchOf, type Prompts } from "./prompts.js";

/** The tensor at a hook, with its shape. */
export type HookTensor<N extends HookName> = Tensor & { readonly shape: HookShape<N> };
/** Tensors by the names of their hooks. */
export type Cache<N extends HookName = HookName> = { readonly [K in N]: HookTensor<K> };

/** What a run gave. Its tensors go when it is disposed of, or with the scope around it. */
export interface CachedRun<N extends HookName = HookName> {
  /** (B,T,V) */
  readonly logits: Tensor;
  readonly cache: Cache<N>;
  [Symbol.dispose](): void;
}

/**
 * Runs a model and keeps what is wanted: names, templates such as `blocks.*.attn.hook_pattern`, or a function of a name. Beside
 * the forward pass it takes what is kept, and no more, but for scores, patterns and results, of which one more is there while a block
 * computes them. With `hooks`, what goes on after them is kept.
 * @throws RangeError for a name that the model does not have, with the nearest; for prompts of different lengths or longer than the context
 */
export function runWithCache<const W extends Wanted>(
  model: Model,
  prompts: Prompts,
  names: W,
  { hooks = {} }: { readonly hooks?: HooksByName } = {},
): CachedRun<WantedNames<W>> {
  const { logits, kept } = pass(model, batchOf(prompts), {
    hooks: hooksOf(model, hooks),
    keep: chosenNames(model, names),
  });
  return {
    logits,
    cache: kept as Cache<WantedNames<W>>,
    [Symbol.dispose]() {
      freeAll([logits, ...Object.values(kept)]);
    },
  };
}

/** Frees tensors, of which one may be there under several names. */
export function freeAll(tensors: Iterable<Tensor>): void {
  for (const tensor of tensors) tensor[Symbol.dispose]();
}
