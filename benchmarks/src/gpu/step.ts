/** Whole training steps as a run does them: forward, backward, clipping and AdamW, in tokens a second. */
import { type Gpt2Config, initWeights, standardNorms } from "@normless/gpt2";
import type { Backend } from "@normless/tensor";
import { integers } from "@normless/tensor/testing";
import { trainRecipe, Trainer } from "@normless/train";
import type { Dims } from "./work.js";

export interface StepFigures {
  readonly column: string;
  readonly tokensPerSecond: number;
  /** Of the first step, to see that all columns compute the same. */
  readonly loss: number;
}

const ROUNDS = 3;

/** A model of fresh weights in training, and its step. */
export async function training(backend: Backend, { B, T, C, H, V, L }: Dims) {
  const shape = { vocabSize: V, blockSize: T, channels: C, layers: L, heads: H, inner: 4 * C };
  const config: Gpt2Config = { ...shape, gelu: "tanh", eps: 1e-5, tied: true, eot: undefined };
  const recipe = { ...trainRecipe, batchSize: B, microBatchSize: B, blockSize: T };
  const trainer = await Trainer.create(backend, config, initWeights(config, 1), recipe);
  const tokens = Uint16Array.from(integers([8 * B * T + 1], 1, V).data);
  const options = { norms: standardNorms(config), auxiliaryWeight: 0 };
  return { trainer, step: () => trainer.update(tokens, options) };
}

export async function measureStep(column: string, backend: Backend, of: Dims): Promise<StepFigures> {
  const { trainer, step } = await training(backend, of);
  /** As many as a run reads together. */
  const steps = async () => {
    const [begin, losses]: [number, number[]] = [performance.now(), []];
    while (!trainer.resultsDue) await step();
    for await (const { loss } of trainer.results()) losses.push(loss);
    return { losses, ms: (performance.now() - begin) / losses.length };
  };
  const [loss] = (await steps()).losses;
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) best = Math.min(best, (await steps()).ms);
  trainer.free();
  return { column, loss, tokensPerSecond: (of.B * of.T * 1000) / best };
}
