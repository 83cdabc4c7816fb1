/** What is done with the tensors that pass: looked at, kept, or replaced. */
import { type Value, Variable } from "@normless/autograd";
import { sameShape, ShapeError } from "@normless/tensor";
import type { Gpt2Config } from "./config.js";
import type { HookName } from "./hook-names.js";
import { type NormModule, normModules } from "./sites.js";

/**
 * Sees the tensor at a hook. What it returns, of the same shape, goes on in its place; nothing leaves it as it is. The
 * tensor is the tape's: `x.tape.keep(x)` hands it, without a copy, to the scope around.
 */
export type Hook = (x: Variable, name: HookName) => Value | undefined | void;
/** Hooks by name. What no hook is for is not computed apart, and a pass without any runs its fused kernels. */
export type Hooks = { readonly [N in HookName]?: Hook };

/** The hooks of a pass as the model asks for them. */
export class HookPoints {
  readonly #hooks: Hooks;
  constructor(hooks: Hooks = {}) {
    this.#hooks = hooks;
  }

  /** Whether a tensor has to be there on its own. */
  wants(...names: readonly HookName[]): boolean {
    return names.some((name) => this.#hooks[name] !== undefined);
  }

  /**
   * The tensor that goes on: x, or what the hook put in its place.
   * @throws ShapeError where that has another shape, TypeError where it is of another engine, tape or kind
   */
  at(name: HookName, x: Variable): Variable {
    const found = this.#hooks[name]?.(x, name);
    if (found === undefined || found === x) return x;
    if (!sameShape(found.shape, x.shape)) {
      const shapes = { there: x.shape, returned: found.shape };
      throw new ShapeError(
        name,
        "the hook returned another shape than it was given",
        shapes,
        "Return one of the same shape.",
      );
    }
    if (found.dtype !== x.dtype) {
      throw new TypeError(`${name}: the hook returned ${found.dtype}, where ${x.dtype} stands; cast it`);
    }
    const { backend } = found instanceof Variable ? found.tape : found;
    if (backend !== x.tape.backend) {
      throw new TypeError(
        `${name}: the hook returned a tensor of another engine (${backend.name}) than the model's (${x.tape.backend.name}); ` +
          "read it there and upload it here",
      );
    }
    if (!(found instanceof Variable)) return x.tape.constant(found);
    if (found.tape !== x.tape) {
      throw new TypeError(
        `${name}: the hook returned a variable of another pass; return its tensor, or a variable made of x`,
      );
    }
    return found;
  }

  /** The same points, at which nothing is done: for computing a block again. */
  muted(): HookPoints {
    return new HookPoints(
      Object.fromEntries(Object.keys(this.#hooks).map((name) => [name, () => undefined])),
    );
  }

  /** The same points, at which nothing may be replaced. @throws Error at the hook that does */
  lookingOnly(): HookPoints {
    const look =
      (hook: Hook): Hook =>
      (x, name) => {
        const found = hook(x, name);
        if (found === undefined || found === x) return;
        throw new Error(
          `${name}: a block that is recomputed can be looked at, and nothing in it replaced; leave recompute out`,
        );
      };
    return new HookPoints(
      Object.fromEntries(
        Object.entries<Hook | undefined>(this.#hooks).map(([name, hook]) => [name, hook && look(hook)]),
      ),
    );
  }

  /** The names that hooks are for. */
  names(): string[] {
    return Object.keys(this.#hooks).filter((name) => this.#hooks[name as HookName] !== undefined);
  }
}

/** Hooks that show the residual, (B,T,C), that each norm module reads. */
export function atNormInputs(
  config: Pick<Gpt2Config, "layers">,
  see: (module: NormModule, x: Variable) => void,
): Hooks {
  return Object.fromEntries(
    normModules(config).map((module): [HookName, Hook] => [
      residualOf(module, config),
      (x) => see(module, x),
    ]),
  );
}

/** The hook of the residual that a norm module reads. */
function residualOf(module: NormModule, { layers }: Pick<Gpt2Config, "layers">): HookName {
  const [, layer, ln] = /^h\.(\d+)\.ln_([12])$/.exec(module) ?? [];
  if (layer === undefined) return `blocks.${layers - 1}.hook_resid_post`;
  return `blocks.${Number(layer)}.${ln === "1" ? "hook_resid_pre" : "hook_resid_mid"}`;
}
