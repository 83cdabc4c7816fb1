/** A model of some bytes, which every config of its shape goes with. */
import { initWeights, presets } from "@normless/gpt2";

const shape = { vocabSize: 8, blockSize: 4, channels: 4, layers: 1, heads: 2, inner: 4, eot: 5 };
const config = { ...presets.base, ...shape };

/** Its shape and its weights. */
export const tinyModel = { config, weights: initWeights(config, 1) };
