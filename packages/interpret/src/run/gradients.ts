/** Gradients of what is made of the logits, with respect to the tensors that pass. */
import { type Gradients, Tape, type Value, Variable } from "@normless/autograd";
import { forward, freeTokens, type HookName, type Hooks, type Model, uploadTokens } from "@normless/gpt2";
import { enroll, scope, type Tensor, zeros } from "@normless/tensor";
import { type Cache, freeAll } from "./cache.js";
import { hooksOf, type HooksByName } from "./hooks.js";
import { chosenNames, type Wanted, type WantedNames } from "./names.js";
import { batchOf, type Prompts } from "./prompts.js";

/** What a run is judged by: a scalar of its logits (B,T,V). */
export type Metric = (logits: Variable) => Variable;

/** A run's metric, and the tensors asked for with the metric's gradient with respect to each. */
export interface GradientRun<N extends HookName = HookName> {
  /** A scalar. */
  readonly value: Tensor;
  readonly cache: Cache<N>;
  /** d value / d tensor, each of its tensor's shape. */
  readonly gradients: Cache<N>;
  [Symbol.dispose](): void;
}

/**
 * Runs a model forward and back: `metric` of the logits, and its gradient at each name that is wanted, all in one pass. With
 * `hooks`, the gradients are those of the run that they make, at what goes on after them, and flow through what they return.
 * @throws RangeError for a name that the model does not have, with the nearest; BackendError where the metric is no scalar
 */
export function runWithGradients<const W extends Wanted>(
  model: Model,
  prompts: Prompts,
  names: W,
  metric: Metric,
  { hooks = {} }: { readonly hooks?: HooksByName } = {},
): GradientRun<WantedNames<W>> {
  const { config, params, norms } = model;
  const { backend } = params["wte.weight"];
  const wanted = chosenNames(model, names);
  const given = hooksOf(model, hooks);
  const run = scope(() => {
    const tokens = uploadTokens(backend, config, batchOf(prompts));
    const tape = new Tape(backend);
    const taps = new Map<HookName, Tap>();
    try {
      const variables = Object.fromEntries(
        Object.entries(params).map(([name, param]) => [name, tape.constant(param)]),
      );
      const loss = metric(
        forward({ config, norms, params: variables }, tokens, {
          hooks: { ...given, ...tapping(given, wanted, taps) },
        }),
      );
      const value = tape.keep(loss);
      if (loss.needsGrad) tape.backward(loss);
      const cache: Record<string, Tensor> = {};
      const gradients: Record<string, Tensor> = {};
      for (const [name, tap] of taps) {
        cache[name] = tap.kept;
        gradients[name] = enroll((loss.needsGrad && tap.gradient()) || zeros(backend, tap.kept.shape));
      }
      return { value, cache, gradients };
    } finally {
      tape.free();
      freeTokens(tokens);
    }
  });
  return {
    ...(run as { value: Tensor; cache: Cache<WantedNames<W>>; gradients: Cache<WantedNames<W>> }),
    [Symbol.dispose]() {
      freeAll([run.value, ...Object.values(run.cache), ...Object.values(run.gradients)]);
    },
  };
}

/** A place at which the gradient is read as it goes by. */
interface Tap {
  readonly through: Variable;
  readonly kept: Tensor;
  /** What came by in the backward pass. */
  readonly gradient: () => Tensor | undefined;
}

function tapping(hooks: Hooks, wanted: readonly HookName[], taps: Map<HookName, Tap>): Hooks {
  return Object.fromEntries(
    wanted.map((name): [HookName, Hooks[HookName]] => [
      name,
      (x): Value => {
        const found = hooks[name]?.(x, name) ?? x;
        const tap = tapAt(found instanceof Variable ? found : x.tape.constant(found));
        taps.set(name, tap);
        return tap.through;
      },
    ]),
  );
}

/** Where nothing behind it has a gradient the tensor becomes a leaf; else it goes on as another look at itself. */
function tapAt(x: Variable): Tap {
  const { tape } = x;
  const kept = enroll(tape.keep(x));
  if (!x.needsGrad) {
    const leaf = tape.leaf(kept);
    return { through: leaf, kept, gradient: () => tape.takeGradient(leaf) };
  }
  let seen: Tensor | undefined;
  const through: Variable = tape.record(
    [tape.backend.reshape(kept, kept.shape)],
    [x],
    (dy: Tensor, gradients: Gradients) => {
      seen = tape.backend.run("scale", { x: dy }, { factor: 1 }).y;
      gradients.pass(through, [x]);
    },
  );
  return { through, kept, gradient: () => seen };
}
