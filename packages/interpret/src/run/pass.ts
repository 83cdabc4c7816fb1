/** One run of a model without gradients, and what is kept of it. */
import { Tape, Variable } from "@normless/autograd";
import {
  forward,
  freeTokens,
  type HookName,
  type Hooks,
  type HostTokens,
  type Model,
  residual,
  uploadTokens,
} from "@normless/gpt2";
import { enroll, scope, type Tensor } from "@normless/tensor";

/** What a run does beside computing. */
export interface PassOptions {
  readonly hooks?: Hooks;
  /** The names whose tensors are kept, as they go on after the hooks. */
  readonly keep?: readonly HookName[];
}

/** What is kept of a run; all of it is the caller's, or the scope's around. */
export interface Passed {
  readonly logits: Tensor;
  readonly kept: Readonly<Record<string, Tensor>>;
}

/** Logits (B,T,V) and the tensors to keep. */
export function pass(model: Model, batch: HostTokens, options: PassOptions = {}): Passed {
  const { result, kept } = through(model, batch, options, forward);
  return { logits: result, kept };
}

/** The tensors to keep, without a head's work. */
export function passBody(model: Model, batch: HostTokens, options: PassOptions): Passed["kept"] {
  const { result, kept } = through(model, batch, options, residual);
  if (!Object.values(kept).includes(result)) result.free();
  return kept;
}

function through(
  { config, params, norms }: Model,
  batch: HostTokens,
  { hooks = {}, keep = [] }: PassOptions,
  run: typeof forward,
) {
  const { backend } = params["wte.weight"];
  return scope(() => {
    const tokens = uploadTokens(backend, config, batch);
    const tape = new Tape(backend, { record: false });
    const kept: Record<string, Tensor> = {};
    try {
      const variables = Object.fromEntries(
        Object.entries(params).map(([name, param]) => [name, tape.constant(param)]),
      );
      const result = run({ config, norms, params: variables }, tokens, {
        hooks: { ...hooks, ...keeping(hooks, keep, kept) },
      });
      return { result: tape.keep(result), kept };
    } finally {
      tape.free();
      freeTokens(tokens);
    }
  });
}

/** Hooks that keep what goes on after `hooks`. The tape hands its tensor over; what is not the tape's is copied. */
function keeping(hooks: Hooks, keep: readonly HookName[], kept: Record<string, Tensor>): Hooks {
  return Object.fromEntries(
    keep.map((name): [HookName, Hooks[HookName]] => [
      name,
      (x) => {
        const found = hooks[name]?.(x, name);
        const next = found === undefined ? x : found instanceof Variable ? found : x.tape.constant(found);
        kept[name] = enroll(next.tape.keep(next));
        return found;
      },
    ]),
  );
}
