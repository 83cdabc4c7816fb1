/** All that a model computes of given tokens on an engine, as tensors by name: logits, stds, loss, every gradient. */
import { evaluate, valueAndGrad } from "@normless/autograd";
import {
  atNormInputs,
  checkFinite,
  elementOf,
  forward,
  freeTokens,
  type Model,
  OVERFLOW_ADVICE,
  trainingLoss,
  uploadTargets,
  uploadTokens,
} from "@normless/gpt2";
import type { TensorEntry } from "@normless/safetensors";
import type { Tensor } from "@normless/tensor";

/** Inside the square root of a std, whatever epsilon the model's own norms have. */
const STD_EPS = 1e-5;

/** Tokens, (B,T), and what follows each. */
export interface Rows {
  readonly inputs: Int32Array;
  readonly targets: Int32Array | undefined;
  readonly B: number;
  readonly T: number;
}

/** A tensor of computed values. */
export interface Computed extends TensorEntry {
  readonly data: Float32Array;
}

/** @throws NotFiniteError naming what is no number */
export async function compute(
  model: Model,
  { inputs, targets, B, T }: Rows,
  grads: boolean,
): Promise<Computed[]> {
  const { config, params, norms } = model;
  const { backend } = params["wte.weight"];
  const tokens = uploadTokens(backend, config, { inputs, B, T });
  const entries: Computed[] = [];
  /** Reads a tensor of ours and frees it. */
  const take = async (name: string, tensor: Tensor) => {
    const { shape } = tensor;
    const data = Float32Array.from(await tensor.read());
    tensor.free();
    checkFinite(data, { what: `"${name}"`, place: elementOf(shape), advice: OVERFLOW_ADVICE });
    entries.push({ name, dtype: "F32", shape, data });
  };
  const stds: [string, Tensor][] = [];
  const logits = evaluate(
    (variables) =>
      forward({ config, params: variables, norms }, tokens, {
        hooks: atNormInputs(config, (module, { tensor: x }) => {
          stds.push([`std/${module}`, backend.run("rowStd", { x }, { eps: STD_EPS }).std]);
        }),
      }),
    params,
  );
  await take("logits", logits);
  for (const [name, std] of stds) await take(name, std);
  if (grads && targets) {
    const ids = uploadTargets(backend, config, targets, T);
    const { value, grads: gradients } = valueAndGrad(
      (variables) =>
        trainingLoss({ config, params: variables, norms }, tokens, ids, { totalTokens: B * T }).total,
      params,
    );
    await take("loss", value);
    for (const [name, gradient] of Object.entries(gradients)) await take(`grad/${name}`, gradient);
    ids.free();
  }
  freeTokens(tokens);
  return entries;
}
