/** Hooks by name or template, and a run that they see and may change. */
import { type Value, Variable } from "@normless/autograd";
import type { Hook, HookName, Hooks, HookShape, Model } from "@normless/gpt2";
import type { Tensor } from "@normless/tensor";
import { type HookTemplate, type NamesOf, namesOf } from "./names.js";
import { pass } from "./pass.js";
import { batchOf, type Prompts } from "./prompts.js";

/** The variable that a hook sees, with its shape. */
export type HookVariable<N extends HookName> = Variable & { readonly shape: HookShape<N> };
/**
 * Hooks by name, or by a template for every block. Each sees its tensor and may return another of that shape, on the same
 * engine, which goes on in its place: a variable made of it, or a tensor.
 */
export type HooksByName = {
  readonly [N in HookName | HookTemplate]?: (
    x: HookVariable<NamesOf<N>>,
    name: NamesOf<N>,
  ) => Value | undefined | void;
};

/** Hooks by name alone; where several are for one name they see it in turn. @throws RangeError for a name that the model does not have */
export function hooksOf(model: Model, ...all: readonly HooksByName[]): Hooks {
  const found: Partial<Record<HookName, Hook>> = {};
  for (const hooks of all) {
    for (const [given, hook] of Object.entries<unknown>(hooks)) {
      if (hook === undefined) continue;
      for (const name of namesOf(model, given)) found[name] = inTurn(found[name], hook as Hook);
    }
  }
  return found;
}

function inTurn(first: Hook | undefined, second: Hook): Hook {
  if (!first) return second;
  return (x, name) => {
    const before = first(x, name);
    if (before === undefined) return second(x, name);
    const found = before instanceof Variable ? before : x.tape.constant(before);
    return second(found, name) ?? found;
  };
}

/**
 * Logits (B,T,V) of a run with hooks; the caller's, or the scope's around.
 * @throws RangeError for a name that the model does not have, with the nearest; for prompts of different lengths or longer than the context
 * @throws ShapeError, TypeError where a hook returns what cannot go on in its tensor's place
 */
export function runWithHooks(model: Model, prompts: Prompts, hooks: HooksByName): Tensor {
  return pass(model, batchOf(prompts), { hooks: hooksOf(model, hooks) }).logits;
}
