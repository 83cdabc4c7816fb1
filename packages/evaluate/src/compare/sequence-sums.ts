/** What a sequence adds to the means of a comparison, and the means with their intervals over resampled sequences. */
import { addPrediction, calibrationError, type CalibrationSums, calibrationSums } from "./calibration.js";
import type { PredictionPair } from "./divergences.js";
import type { SinkSums } from "../activations/meters.js";
import { type Estimate, Resamples } from "@normless/statistics";

/** Of model A and of model B. */
export interface Both<X> {
  readonly a: X;
  readonly b: X;
}

/** A figure of each of two models, and the difference. */
export interface PairEstimate extends Both<Estimate> {
  /** b − a, on the same tokens. */
  readonly difference: Estimate;
}

/** Means over tokens; nats where they are of a distribution. */
export interface MeanEstimates {
  readonly loss: PairEstimate;
  readonly entropy: PairEstimate;
  /** Expected calibration error of the likeliest token; see calibration.ts. */
  readonly calibrationError: PairEstimate;
  /** Attention to the first position, mean over layers, heads and queries, the first query left out. */
  readonly firstAttention: PairEstimate;
  /** Share of (layer, head, query) with more than 0.3 of its attention there, the first query left out. */
  readonly sinkRate: PairEstimate;
  readonly klAB: Estimate;
  readonly klBA: Estimate;
  readonly jsd: Estimate;
  /** Share of tokens whose likeliest prediction is the same. */
  readonly agreement: Estimate;
}

/** What a comparison keeps of a sequence: sums over its tokens. */
export interface SequenceSums {
  readonly tokens: number;
  readonly loss: Both<number>;
  readonly entropy: Both<number>;
  readonly klAB: number;
  readonly klBA: number;
  readonly jsd: number;
  readonly agreement: number;
  readonly bins: Both<CalibrationSums>;
  readonly sinks: Both<SinkSums>;
}

/** The predictions of a sequence's targets, and the attention in it. */
export function sequenceSums(
  pairs: readonly PredictionPair[],
  targets: ArrayLike<number>,
  sinks: Both<SinkSums>,
): SequenceSums {
  const sum = (of: (pair: PredictionPair) => number) => pairs.reduce((total, pair) => total + of(pair), 0);
  const bins = (model: "a" | "b") => {
    const sums = calibrationSums();
    pairs.forEach(({ [model]: { top, confidence } }, t) =>
      addPrediction(sums, confidence, top === targets[t]),
    );
    return sums;
  };
  return {
    tokens: pairs.length,
    loss: { a: sum(({ a }) => a.loss), b: sum(({ b }) => b.loss) },
    entropy: { a: sum(({ a }) => a.entropy), b: sum(({ b }) => b.entropy) },
    klAB: sum(({ klAB }) => klAB),
    klBA: sum(({ klBA }) => klBA),
    jsd: sum(({ jsd }) => jsd),
    agreement: sum(({ a, b }) => (a.top === b.top ? 1 : 0)),
    bins: { a: bins("a"), b: bins("b") },
    sinks,
  };
}

/** A model's predictions by bin, each sequence so often (default once). */
export function totalBins(
  sequences: readonly SequenceSums[],
  model: "a" | "b",
  times?: ArrayLike<number>,
): CalibrationSums {
  const total = calibrationSums();
  sequences.forEach(({ bins }, i) => {
    const factor = times?.[i] ?? 1;
    if (factor > 0) bins[model].forEach((value, at) => (total[at] += factor * value));
  });
  return total;
}

/** Means over all tokens, with intervals from resampled sequences. */
export function meanEstimates(sequences: readonly SequenceSums[], seed: number): MeanEstimates {
  const resamples = new Resamples(sequences.length, seed);
  type Times = ArrayLike<number>;
  type Part = (sequence: SequenceSums) => number;
  const total = (times: Times, part: Part) =>
    sequences.reduce((sum, sequence, i) => sum + times[i] * part(sequence), 0);
  // A resample of nothing but sequences of one token has no queries.
  const ratio = (times: Times, part: Part, of: Part) => {
    const whole = total(times, of);
    return whole === 0 ? 0 : total(times, part) / whole;
  };
  const perToken = (part: Part) => resamples.estimate((times) => ratio(times, part, ({ tokens }) => tokens));
  const pair = (measure: (times: Times, model: "a" | "b") => number): PairEstimate => ({
    a: resamples.estimate((times) => measure(times, "a")),
    b: resamples.estimate((times) => measure(times, "b")),
    difference: resamples.estimate((times) => measure(times, "b") - measure(times, "a")),
  });
  const tokenPair = (part: (sequence: SequenceSums) => Both<number>) =>
    pair((times, model) =>
      ratio(
        times,
        (sequence) => part(sequence)[model],
        ({ tokens }) => tokens,
      ),
    );
  const sinkPair = (part: "share" | "sinks") =>
    pair((times, model) =>
      ratio(
        times,
        ({ sinks }) => sinks[model][part],
        ({ sinks }) => sinks[model].queries,
      ),
    );
  return {
    loss: tokenPair(({ loss }) => loss),
    entropy: tokenPair(({ entropy }) => entropy),
    calibrationError: pair((times, model) => calibrationError(totalBins(sequences, model, times))),
    firstAttention: sinkPair("share"),
    sinkRate: sinkPair("sinks"),
    klAB: perToken(({ klAB }) => klAB),
    klBA: perToken(({ klBA }) => klBA),
    jsd: perToken(({ jsd }) => jsd),
    agreement: perToken(({ agreement }) => agreement),
  };
}
