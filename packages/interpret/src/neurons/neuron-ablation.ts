/**
 * What neurons of the last MLP do to predictions: each is held at its mean over the text, alone and all together, and
 * cross-entropy and entropy change. An intervention, so exact whatever the norms. Source: Baroni et al. 2025 section 5.4.
 */
import { add, mul, type Variable } from "@normless/autograd";
import { checkFinite, type HookName, type Model, OVERFLOW_ADVICE } from "@normless/gpt2";
import { type Estimate, Resamples } from "@normless/statistics";
import type { Tensor } from "@normless/tensor";
import { type Batch, sequentialBatches } from "@normless/text";
import { freeAll } from "../run/cache.js";
import { pass, passBody } from "../run/pass.js";

/** What holding neurons at their means changes. */
export interface NeuronChange {
  readonly neurons: readonly number[];
  /** Nats a token: with the neurons at their means less without. */
  readonly crossEntropy: Estimate;
  readonly entropy: Estimate;
}

/** Nats a token as the model is, and every change; intervals are of resampled sequences. */
export interface NeuronAblation {
  readonly sequences: number;
  readonly blockSize: number;
  readonly crossEntropy: Estimate;
  readonly entropy: Estimate;
  /** Each neuron alone, and last all together. */
  readonly changes: readonly NeuronChange[];
}

/** Which neurons, and which sequences. */
export interface NeuronAblationOptions {
  readonly neurons: readonly number[];
  readonly blockSize: number;
  /** Decides the resamples. */
  readonly seed?: number;
}

/** Of one sequence. */
interface Nats {
  readonly crossEntropy: number;
  readonly entropy: number;
}

/** Floats of logits that are on the host at once. */
const CHUNK_FLOATS = 2 ** 23;

/**
 * Over the whole sequences of `tokens`; yields how many are done, of two goes through them.
 * @throws RangeError for a neuron that is not there, none, and fewer tokens than a sequence and its last target; NotFiniteError
 * naming a logit that is no number
 */
export async function* neuronAblation(
  model: Model,
  tokens: Uint16Array,
  { neurons, blockSize, seed = 0 }: NeuronAblationOptions,
): AsyncGenerator<number, NeuronAblation> {
  const { inner: M, layers, vocabSize: V } = model.config;
  const none = neurons.find((n) => !(Number.isInteger(n) && n >= 0 && n < M));
  if (none !== undefined || neurons.length === 0) {
    throw new RangeError(
      neurons.length === 0
        ? "neuronAblation: there is no neuron to ablate"
        : `neuronAblation: there is no neuron ${none}; the last MLP's are 0 to ${M - 1}`,
    );
  }
  const sequences = Math.floor((tokens.length - 1) / blockSize);
  if (sequences < 1) {
    throw new RangeError(
      `neuronAblation: ${tokens.length} tokens and sequences of ${blockSize}; there must be a whole sequence and a token after it`,
    );
  }
  const name: HookName = `blocks.${layers - 1}.mlp.hook_post`;
  const batches = () =>
    sequentialBatches({
      tokens: tokens.subarray(0, sequences * blockSize + 1),
      batchSize: Math.max(1, Math.floor(CHUNK_FLOATS / (V * blockSize))),
      blockSize,
    });
  const sums = new Float64Array(M);
  let done = 0;
  for (const batch of batches()) {
    const kept = passBody(model, batch, { keep: [name] });
    const active = await kept[name].read();
    active.forEach((value, i) => (sums[i % M] += value));
    freeAll(Object.values(kept));
    yield (done += batch.B);
  }
  const means = sums.map((sum) => sum / (sequences * blockSize));
  const sets = [[], ...neurons.map((neuron) => [neuron]), ...(neurons.length > 1 ? [neurons] : [])];
  const nats: Nats[][] = sets.map(() => []);
  for (const batch of batches()) {
    for (const [s, set] of sets.entries())
      nats[s].push(...(await natsOf(model, batch, name, heldAt(set, means))));
    yield (done += batch.B);
  }
  const [whole, ...rest] = nats;
  const resamples = new Resamples(sequences, seed);
  const mean = (of: (i: number) => number) =>
    resamples.estimate((times) => whole.reduce((sum, _, i) => sum + times[i] * of(i), 0) / sequences);
  return {
    ...{ sequences, blockSize },
    crossEntropy: mean((i) => whole[i].crossEntropy),
    entropy: mean((i) => whole[i].entropy),
    changes: rest.map((ablated, s) => ({
      neurons: sets[s + 1],
      crossEntropy: mean((i) => ablated[i].crossEntropy - whole[i].crossEntropy),
      entropy: mean((i) => ablated[i].entropy - whole[i].entropy),
    })),
  };
}

/** What activations (M) are multiplied by, and what is added. */
interface Held {
  readonly keep: Float32Array;
  readonly plus: Float32Array;
}

function heldAt(set: readonly number[], means: Float64Array): Held | undefined {
  if (set.length === 0) return undefined;
  return {
    keep: Float32Array.from(means, (_, n) => (set.includes(n) ? 0 : 1)),
    plus: Float32Array.from(means, (mean, n) => (set.includes(n) ? mean : 0)),
  };
}

/** Mean nats of each sequence of a batch. */
async function natsOf(model: Model, batch: Batch, name: HookName, held: Held | undefined): Promise<Nats[]> {
  const { B, T, targets } = batch;
  const V = model.config.vocabSize;
  const { backend } = model.params["wte.weight"];
  const tensors: Tensor[] = held
    ? [held.keep, held.plus].map((values) => backend.upload(values, [1, 1, values.length]))
    : [];
  const [keep, plus] = tensors;
  const { logits } = pass(model, batch, {
    hooks: held ? { [name]: (x: Variable) => add(mul(x, keep), plus) } : {},
  });
  const values = await logits.read();
  freeAll([logits, ...tensors]);
  return Array.from({ length: B }, (_, b) => {
    let [crossEntropy, entropy] = [0, 0];
    for (let t = 0; t < T; t++) {
      const at = b * T + t;
      const row = values.subarray(at * V, (at + 1) * V);
      checkFinite(row, {
        what: "the logits",
        place: (id) => `id ${id}, position ${t}`,
        advice: OVERFLOW_ADVICE,
      });
      let most = -Infinity;
      for (let v = 0; v < V; v++) most = Math.max(most, row[v]);
      let [total, weighted] = [0, 0];
      for (let v = 0; v < V; v++) {
        const weight = Math.exp(row[v] - most);
        total += weight;
        weighted += weight * (row[v] - most);
      }
      crossEntropy += (Math.log(total) + most - row[targets[at]]) / T;
      entropy += (Math.log(total) - weighted / total) / T;
    }
    return { crossEntropy, entropy };
  });
}
