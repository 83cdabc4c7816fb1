/** Which hooks are meant: by name, by a template for all blocks, or by a question. */
import {
  type BlockHook,
  blockHooks,
  checkHookName,
  type HookName,
  hookNames,
  type Model,
} from "@normless/gpt2";
import leven from "leven";

/** A hook of every block: `blocks.*.attn.hook_pattern`. */
export type HookTemplate = `blocks.*.${BlockHook}`;
/** Names and templates, or a function that says of each name whether it is wanted. */
export type Wanted = readonly (HookName | HookTemplate)[] | ((name: HookName) => boolean);
/** The names that a template stands for; a name for itself. */
export type NamesOf<N extends HookName | HookTemplate> = N extends `blocks.*.${infer K extends BlockHook}`
  ? `blocks.${number}.${K}`
  : N extends HookName
    ? N
    : never;
/** The names that are wanted, as far as types know. */
export type WantedNames<W extends Wanted> = W extends readonly (infer N extends HookName | HookTemplate)[]
  ? NamesOf<N>
  : HookName;

/** How many right names an error tells for a wrong one. */
const NEAREST = 3;

type Layers = Pick<Model, "norms"> & { readonly config: Pick<Model["config"], "layers"> };

/**
 * The names that are wanted of a model, each once, in the order of its forward pass.
 * @throws RangeError for a name or template that it does not have, with the nearest that it has
 */
export function chosenNames(model: Layers, wanted: Wanted): HookName[] {
  const all = hookNames(model);
  if (typeof wanted === "function") return all.filter(wanted);
  const chosen = new Set(wanted.flatMap((name) => namesOf(model, name)));
  return all.filter((name) => chosen.has(name));
}

/** The names that one name or template stands for. @throws as `chosenNames` does */
export function namesOf(model: Layers, name: string): HookName[] {
  const [, hook] = /^blocks\.\*\.(.*)$/.exec(name) ?? [];
  try {
    if (hook === undefined) {
      checkHookName(name, model);
      return [name];
    }
    const all = Array.from({ length: model.config.layers }, (_, i) => `blocks.${i}.${hook}`);
    for (const one of all) checkHookName(one, model);
    return all as HookName[];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`${error.message}. Nearest: ${nearest(name, model).join(", ")}`, { cause: error });
  }
}

function nearest(name: string, model: Layers): string[] {
  const candidates: string[] = name.includes("*")
    ? blockHooks
        .map((hook) => `blocks.*.${hook}`)
        .filter((template) => hookNames(model).includes(template.replace("*", "0") as HookName))
    : hookNames(model);
  return candidates
    .map((candidate) => ({ candidate, far: leven(name, candidate) }))
    .sort((a, b) => a.far - b.far)
    .slice(0, NEAREST)
    .map(({ candidate }) => candidate);
}
