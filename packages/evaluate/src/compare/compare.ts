/**
 * Two models on the same text: what they predict and how far apart, how calibrated they are, how large their residual
 * grows, and how much they attend to the first position. The measures of Baroni et al. 2025 (arXiv 2507.02559)
 * sections 5.3 and 5.4, for any two models of one vocabulary.
 */
import { checkFinite, type Model, OVERFLOW_ADVICE } from "@normless/gpt2";
import type { TensorData } from "@normless/tensor";
import { type Batch, sequentialBatches } from "@normless/text";
import { type CalibrationBin, calibrationBins } from "./calibration.js";
import { comparePredictions, type PredictionPair } from "./divergences.js";
import { type Histogram, histogram } from "./histogram.js";
import { ActivationMeter, type LayerAttention, type ModuleNorm } from "../activations/meters.js";
import { logitsOf, observe } from "../activations/observe.js";
import { highestSpan, type Passage, type PassageToken, withPassage } from "./passages.js";
import {
  type Both,
  type MeanEstimates,
  meanEstimates,
  type SequenceSums,
  sequenceSums,
  totalBins,
} from "./sequence-sums.js";

/** Intervals are from resampled sequences. */
export interface Comparison extends MeanEstimates {
  /** Targets that were scored, and the sequences that they stand in. */
  readonly tokens: number;
  readonly sequences: number;
  readonly blockSize: number;
  readonly calibration: Both<readonly CalibrationBin[]>;
  readonly norms: Both<readonly ModuleNorm[]>;
  readonly attention: Both<readonly LayerAttention[]>;
  /** Of loss b − loss a, by token. */
  readonly lossDifferences: Histogram;
  /** Where the divergence is highest. */
  readonly passages: readonly Passage[];
}

/** How `compareModels` cuts the text and resamples it. */
export interface CompareOptions {
  /** Tokens a sequence; default the smaller of the two contexts. */
  readonly blockSize?: number;
  /** Decides the resamples. */
  readonly seed?: number;
}

/** Tokens of a batch, and floats of logits that are in memory at once. */
const BATCH_TOKENS = 2048;
const CHUNK_FLOATS = 2 ** 23;
const PASSAGE = { length: 32, count: 6 };
const CONTEXT = 16;

/**
 * Runs both models over all of `tokens`; yields the targets done so far, batch by batch.
 * @throws RangeError when the vocabularies differ, or there are fewer than 3 tokens; NotFiniteError naming the first
 * logit that is no number
 */
export async function* compareModels(
  models: Both<Model>,
  tokens: Uint16Array,
  options: CompareOptions = {},
): AsyncGenerator<number, Comparison> {
  const [A, B] = [models.a.config, models.b.config];
  if (A.vocabSize !== B.vocabSize) {
    throw new RangeError(
      `compare: the vocabularies have ${A.vocabSize} and ${B.vocabSize} tokens; only models of one vocabulary can be compared`,
    );
  }
  if (tokens.length < 3) throw new RangeError(`compare: ${tokens.length} tokens; 3 are needed at least`);
  const { blockSize = Math.min(A.blockSize, B.blockSize), seed = 0 } = options;
  const meters = { a: new ActivationMeter("model A"), b: new ActivationMeter("model B") };
  const sequences: SequenceSums[] = [];
  // Of every token only this is kept, since there may be millions.
  const lossDifferences = new Float64Array(tokens.length - 1);
  let passages: readonly Passage[] = [];
  let done = 0;
  for (const batch of sequentialBatches({
    tokens,
    batchSize: Math.ceil(BATCH_TOKENS / blockSize),
    blockSize,
  })) {
    const [a, b] = [await observe(models.a, batch), await observe(models.b, batch)];
    const place = { B: batch.B, T: batch.T, sequence: sequences.length };
    const sinks = { a: meters.a.add(a, place), b: meters.b.add(b, place) };
    const predicted: PredictionPair[] = [];
    for await (const pair of predictions(
      models,
      { a: a.headInput, b: b.headInput },
      { batch, sequence: sequences.length },
    ))
      predicted.push(pair);
    for (let row = 0; row < batch.B; row++) {
      const [from, to] = [row * batch.T, (row + 1) * batch.T];
      const pairs = predicted.slice(from, to);
      sequences.push(
        sequenceSums(pairs, batch.targets.subarray(from, to), { a: sinks.a[row], b: sinks.b[row] }),
      );
      passages = withPassage(passages, passageOf(pairs, tokens, done), PASSAGE.count);
      for (const { a, b } of pairs) lossDifferences[done++] = b.loss - a.loss;
    }
    yield done;
  }
  const bins = (model: "a" | "b") => calibrationBins(totalBins(sequences, model));
  return {
    tokens: done,
    sequences: sequences.length,
    blockSize,
    ...meanEstimates(sequences, seed),
    calibration: { a: bins("a"), b: bins("b") },
    norms: { a: meters.a.norms(), b: meters.b.norms() },
    attention: { a: meters.a.layers(), b: meters.b.layers() },
    lossDifferences: histogram(lossDifferences),
    passages,
  };
}

/** Where the predictions of a sequence differ most. Its inputs begin at `sequence` of the tokens. */
function passageOf(pairs: readonly PredictionPair[], tokens: Uint16Array, sequence: number): Passage {
  const jsds = pairs.map(({ jsd }) => jsd);
  const { begin, end, mean } = highestSpan(jsds, PASSAGE.length);
  const start = sequence + begin + 1;
  return {
    start,
    jsd: mean,
    before: [...tokens.subarray(Math.max(sequence, start - CONTEXT), start)],
    tokens: pairs.slice(begin, end).map((pair, i) => passageToken(pair, tokens[start + i])),
  };
}

/** The two predictions of each target of a batch, a chunk of rows of logits at a time. */
async function* predictions(
  models: Both<Model>,
  inputs: Both<TensorData>,
  { batch: { targets, T }, sequence }: { readonly batch: Batch; readonly sequence: number },
): AsyncGenerator<PredictionPair, void> {
  const V = models.a.config.vocabSize;
  const chunk = Math.max(1, Math.floor(CHUNK_FLOATS / V));
  const logits = async (model: "a" | "b", from: number, to: number) => {
    const C = models[model].config.channels;
    const values = await logitsOf(models[model], inputs[model].subarray(from * C, to * C));
    const place = (at: number) => {
      const row = from + Math.floor(at / V);
      return `id ${at % V} at position ${row % T} of sequence ${sequence + Math.floor(row / T)}, all counted from 0`;
    };
    checkFinite(values, {
      what: `the row of logits of model ${model.toUpperCase()}`,
      place,
      advice: OVERFLOW_ADVICE,
    });
    return values;
  };
  for (let from = 0; from < targets.length; from += chunk) {
    const to = Math.min(targets.length, from + chunk);
    const [a, b] = [await logits("a", from, to), await logits("b", from, to)];
    for (let row = from; row < to; row++) {
      const at = (row - from) * V;
      yield comparePredictions(a.subarray(at, at + V), b.subarray(at, at + V), targets[row]);
    }
  }
}

function passageToken({ a, b, jsd }: PredictionPair, id: number): PassageToken {
  return {
    id,
    jsd,
    loss: { a: a.loss, b: b.loss },
    top: {
      a: { id: a.top, probability: a.confidence },
      b: { id: b.top, probability: b.confidence },
    },
  };
}
