/** A GPT-2 with DyT at every norm, and its training. */
import { type Parameters, valueAndGrad } from "@normless/autograd";
import {
  freeParams,
  freeTokens,
  type Gpt2Config,
  initWeights,
  normModules,
  normSites,
  type NormTable,
  presets,
  trainingLoss,
  uploadTargets,
  uploadTokens,
  uploadWeights,
} from "@normless/gpt2";
import { AdamW } from "@normless/optim";
import { randomAt } from "@normless/random";
import type { Backend, Tensor } from "@normless/tensor";
import { dytNorm } from "./dyt.js";

/** Two small layers. */
export const config: Gpt2Config = {
  ...presets.base,
  ...{ layers: 2, channels: 32, heads: 2, inner: 128, vocabSize: 64, blockSize: 32, eot: 63 },
};

/** GPT-2's table of norms, with DyT at every site. */
export const norms: NormTable = Object.fromEntries(normSites(config).map((site) => [site, dytNorm]));

/** GPT-2's parameters, and an alpha of 0.5 for each norm, which is where the paper starts from. */
export async function initialize(backend: Backend, seed: number): Promise<Parameters> {
  const alphas = normModules(config).map((module) => {
    return [`${module}.alpha`, { shape: [], data: Float32Array.of(0.5) }] as const;
  });
  return uploadWeights(backend, { ...initWeights(config, seed), ...Object.fromEntries(alphas) });
}

/** A row of T + 1 ids with something to learn: each is 3 more than the one before, but for one in ten, which is drawn. */
function row(T: number, seed: number, step: number): Int32Array {
  const random = randomAt(seed, step);
  const ids = Int32Array.of(random.below(63), ...new Int32Array(T));
  for (let t = 1; t <= T; t++) ids[t] = random.below(10) === 0 ? random.below(63) : (ids[t - 1] + 3) % 63;
  return ids;
}

/** `steps` updates of `params`; returns the loss of each, in nats a token. */
export async function train(
  params: Parameters,
  { steps, rows: B, seed }: { readonly steps: number; readonly rows: number; readonly seed: number },
): Promise<number[]> {
  const T = config.blockSize;
  const { backend } = params["wte.weight"];
  const decays = (_name: string, { shape }: Tensor) => shape.length > 1;
  const adamw = new AdamW(backend, params, { decays });
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const rows = Array.from({ length: B }, (_, b) => row(T, seed, step * B + b));
    const inputs = Int32Array.from(rows.flatMap((ids) => [...ids.subarray(0, T)]));
    const next = Int32Array.from(rows.flatMap((ids) => [...ids.subarray(1)]));
    const tokens = uploadTokens(backend, config, { inputs, B, T });
    const targets = uploadTargets(backend, config, next, T);
    const { value, grads } = valueAndGrad(
      (params) => trainingLoss({ config, params, norms }, tokens, targets, { totalTokens: B * T }).total,
      params,
    );
    adamw.update(grads, { learningRate: 0.01, maxNorm: 1 }).free();
    losses.push(await value.item());
    freeTokens(tokens);
    freeParams(grads);
    for (const tensor of [targets, value]) tensor.free();
  }
  adamw.free();
  return losses;
}
