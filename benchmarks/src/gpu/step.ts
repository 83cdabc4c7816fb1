/** Whole training steps: forward, backward, clipping and AdamW, in tokens a second. */
import { valueAndGrad, type Variables } from "@normless/autograd";
import {
  freeParams,
  freeTokens,
  type Gpt2Config,
  initWeights,
  standardNorms,
  trainingLoss,
  uploadTargets,
  uploadTokens,
  uploadWeights,
} from "@normless/gpt2";
import { AdamW } from "@normless/optim";
import type { Backend } from "@normless/tensor";
import { integers } from "@normless/tensor/testing";
import type { Dims } from "./work.js";

export interface StepFigures {
  readonly column: string;
  readonly tokensPerSecond: number;
  /** Of the first step, to see that all columns compute the same. */
  readonly loss: number;
}

const ROUNDS = 3;

export async function measureStep(column: string, backend: Backend, of: Dims): Promise<StepFigures> {
  const { B, T, C, H, V, L } = of;
  const shape = { vocabSize: V, blockSize: T, channels: C, layers: L, heads: H, inner: 4 * C };
  const config: Gpt2Config = { ...shape, gelu: "tanh", eps: 1e-5, tied: true, eot: undefined };
  const params = uploadWeights(backend, initWeights(config, 1));
  const norms = standardNorms(config);
  const optimizer = new AdamW(backend, params, { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 });
  const ids = (seed: number) => Int32Array.from(integers([B * T], seed, V).data);
  const tokens = uploadTokens(backend, config, { inputs: ids(1), B, T });
  const targets = uploadTargets(backend, config, ids(2), T);
  const step = async () => {
    const begin = performance.now();
    const lossOf = (variables: Variables) =>
      trainingLoss({ config, norms, params: variables }, tokens, targets, { totalTokens: B * T }).total;
    const { value, grads } = valueAndGrad(lossOf, params);
    optimizer.update(grads, { learningRate: 3e-4, maxNorm: 1 }).free();
    freeParams(grads);
    const loss = await value.item();
    value.free();
    await backend.sync();
    return { loss, ms: performance.now() - begin };
  };
  const { loss } = await step();
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) best = Math.min(best, (await step()).ms);
  optimizer.free();
  freeTokens(tokens);
  targets.free();
  freeParams(params);
  return { column, loss, tokensPerSecond: (B * T * 1000) / best };
}
