/** Whether an engine computes what it should: loss and every gradient of a small model, held against the reference's. */
import { freeParams, type Gpt2Config, initWeights, standardNorms, uploadWeights } from "@normless/gpt2";
import { relativeDifference } from "@normless/evaluate";
import { type Backend, reference } from "@normless/tensor";
import { compute, type Computed } from "../engine/compute.js";

/** Odd sizes, so that no vector is filled, and enough work for every thread: about a second of the reference's loops. */
const CONFIG: Gpt2Config = {
  ...{ vocabSize: 509, blockSize: 65, channels: 84, layers: 2, heads: 3, inner: 333 },
  ...{ gelu: "tanh", eps: 1e-5, tied: true, eot: 0 },
};
const [B, T] = [2, 65];
const SEED = 11;
/** Relative to the largest value of each tensor: what float32 rounds is a tenth of that. */
const BOUND = 1e-4;

export interface SelfTest {
  readonly passed: boolean;
  /** max |Δ| / max of the tensor that is furthest off, and its name. */
  readonly difference: number;
  readonly furthest: string;
  readonly seconds: number;
}

let known: Promise<readonly Computed[]> | undefined;

/** @throws Error of the engine's own, and where something is no number */
export async function selfTest(backend: Backend): Promise<SelfTest> {
  known ??= computedBy(reference());
  const expected = await known;
  const begin = performance.now();
  const found = await computedBy(backend);
  const seconds = (performance.now() - begin) / 1000;
  const gaps = expected.map(({ name, data }, i) => ({ name, gap: relativeDifference(found[i].data, data) }));
  const worst = gaps.reduce((a, b) => (b.gap > a.gap ? b : a));
  return { passed: worst.gap <= BOUND, difference: worst.gap, furthest: worst.name, seconds };
}

async function computedBy(backend: Backend): Promise<Computed[]> {
  const ids = (stride: number) =>
    Int32Array.from({ length: B * T }, (_, i) => (i * stride) % CONFIG.vocabSize);
  const params = await uploadWeights(backend, initWeights(CONFIG, SEED));
  try {
    const model = { config: CONFIG, params, norms: standardNorms(CONFIG) };
    return await compute(model, { inputs: ids(197), targets: ids(311), B, T }, true);
  } finally {
    freeParams(params);
  }
}
