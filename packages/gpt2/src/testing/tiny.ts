/** A tiny model, and a text with something to learn. */
import { randomAt } from "@normless/random";
import type { Gpt2Config } from "../model/config.js";
import { initWeights } from "../model/params.js";
import type { WeightsInMemory } from "../model/weights.js";

/** A GPT-2 of two layers whose runs take a second. */
export const config: Gpt2Config = {
  vocabSize: 61,
  blockSize: 16,
  channels: 16,
  layers: 2,
  heads: 2,
  inner: 64,
  gelu: "tanh",
  eps: 1e-5,
  tied: true,
  eot: 60,
};

/** Fresh ones for `config`. */
export const weights: WeightsInMemory = initWeights(config, 11);

/** Text with something to learn: mostly the last token plus one, now and then end-of-text. */
export function tokens(count: number, seed: number): Uint16Array {
  const random = randomAt(seed);
  const ids = new Uint16Array(count);
  for (let i = 1; i < count; i++) {
    const draw = random.below(20);
    ids[i] = draw === 0 ? 60 : draw < 5 ? random.below(60) : (ids[i - 1] + 1) % 60;
  }
  return ids;
}

/** Training and validation tokens for `config`. */
export const corpus = { train: tokens(3000, 1), validation: tokens(400, 2) };
