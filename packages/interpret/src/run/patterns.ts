/** Names of hooks as they are typed: exact ones, and patterns for any part. */
import { type HookName, hookNames, type Model } from "@normless/gpt2";
import { namesOf } from "./names.js";

type Layers = Pick<Model, "norms"> & { readonly config: Pick<Model["config"], "layers"> };

/**
 * The names that a model has of these, each once, in the order of its forward pass. A `*` stands for any part, dots and all:
 * `blocks.*.attn.hook_pattern`, `blocks.0.*`, `*hook_resid_post`.
 * @throws RangeError for a name that the model does not have, or a pattern of none, with the nearest
 */
export function matchingNames(model: Layers, patterns: readonly string[]): HookName[] {
  const all = hookNames(model);
  const chosen = new Set<HookName>();
  for (const pattern of patterns) {
    const matching = pattern.includes("*") ? all.filter((name) => regExpOf(pattern).test(name)) : [];
    // What matches nothing is refused there.
    for (const name of matching.length > 0 ? matching : namesOf(model, pattern)) chosen.add(name);
  }
  return all.filter((name) => chosen.has(name));
}

function regExpOf(pattern: string): RegExp {
  const parts = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}
