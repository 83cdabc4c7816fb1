/**
 * How far direct logit attribution with a cached scale is off, head by head: NMAE = mean |DLA − DE| / mean |DE| over
 * sequences (the averages before the ratio), where the direct effect DE = LN(r)·W_U − LN(r − c)·W_U is what leaving
 * head c's output out of the final residual r changes. 0 but for rounding where no LayerNorm stands before the head.
 * Source: Baroni et al. 2025 (arXiv 2507.02559) section 5.1 and appendix G, at the last position of each sequence and
 * with W_U centred over the vocabulary. Theirs scores the last input token; here it is the token that comes next.
 */
import { checkFinite, type Model, OVERFLOW_ADVICE } from "@normless/gpt2";
import { sequentialBatches } from "@normless/text";
import { classAt, logitPart, readReadout, stdOf, throughNorm } from "./readout.js";
import { type Estimate, Resamples } from "@normless/statistics";
import { readPartWeights } from "./part-weights.js";
import { capture, finalResidual, namesForParts, partsAt } from "./residual-parts.js";

/** NMAE with intervals over sequences. */
export interface AttributionError {
  readonly sequences: number;
  readonly blockSize: number;
  /** Mean over heads of each head's ratio; 1 is 100 %. */
  readonly nmae: Estimate;
  /** One ratio over all heads and sequences. */
  readonly pooled: Estimate;
  /** The ratio of each head, by layer. */
  readonly heads: readonly (readonly number[])[];
}

/** Which sequences are looked at. */
export interface AttributionErrorOptions {
  readonly sequences: number;
  readonly blockSize: number;
  /** Decides the resamples. */
  readonly seed?: number;
}

/** |DLA − DE| and |DE| of every head, in one sequence. */
interface HeadEffects {
  readonly error: Float64Array;
  readonly effect: Float64Array;
}

const BATCH_TOKENS = 1024;

/**
 * Over the first `sequences` whole sequences of `tokens`, or as many as there are; yields how many are done.
 * @throws RangeError when there is no whole sequence, or blockSize is 1: the first position attends to itself alone
 */
export async function* attributionError(
  model: Model,
  tokens: Uint16Array,
  { sequences, blockSize, seed = 0 }: AttributionErrorOptions,
): AsyncGenerator<number, AttributionError> {
  if (blockSize < 2 || tokens.length <= blockSize) {
    throw new RangeError(
      `attributionError: ${tokens.length} tokens and sequences of ${blockSize}; there must be a whole sequence of 2 or ` +
        "more and a token after it",
    );
  }
  const weights = await readPartWeights(model);
  const readout = await readReadout(model);
  const final = finalResidual(model);
  const count = Math.min(sequences, Math.floor((tokens.length - 1) / blockSize));
  const part = tokens.subarray(0, count * blockSize + 1);
  const effects: HeadEffects[] = [];
  for (const batch of sequentialBatches({
    tokens: part,
    batchSize: Math.ceil(BATCH_TOKENS / blockSize),
    blockSize,
  })) {
    const { B, T, inputs, targets } = batch;
    const captured = await capture(model, batch, namesForParts(final));
    for (let row = T - 1; row < B * T; row += T) {
      const ids = inputs.subarray(row - T + 1, row + 1);
      const position = classAt(model, ids, T - 1);
      const whole = Float64Array.from(
        captured.tensors[final].subarray(row * readout.C, (row + 1) * readout.C),
      );
      checkFinite(whole, {
        what: "the final residual",
        place: (c) => `channel ${c} of the last position of sequence ${effects.length}, from 0`,
        advice: OVERFLOW_ADVICE,
      });
      const std = stdOf(readout, whole, position);
      const centred = (z: Float64Array) => {
        const { logit, mean } = logitPart(readout, z, targets[row]);
        return logit - mean;
      };
      const logit = centred(throughNorm(readout, whole, std));
      const heads = [...partsAt(model, weights, captured, { row, id: ids[T - 1], t: T - 1 })].filter(
        ({ kind }) => kind === "head",
      );
      const attributed = heads.map(({ values }) => centred(throughNorm(readout, values, std)));
      const direct = heads.map(({ values }) => {
        const without = whole.map((x, c) => x - values[c]);
        return logit - centred(throughNorm(readout, without, stdOf(readout, without, position)));
      });
      effects.push({
        error: Float64Array.from(direct, (effect, i) => Math.abs(attributed[i] - effect)),
        effect: Float64Array.from(direct, Math.abs),
      });
    }
    yield effects.length;
  }
  return summary(effects, blockSize, model.config.heads, seed);
}

function summary(
  effects: readonly HeadEffects[],
  blockSize: number,
  heads: number,
  seed: number,
): AttributionError {
  const resamples = new Resamples(effects.length, seed);
  const totals = (times: ArrayLike<number>) => {
    const error = new Float64Array(effects[0].error.length);
    const effect = new Float64Array(error.length);
    effects.forEach((one, i) => {
      for (let h = 0; h < error.length; h++) {
        error[h] += times[i] * one.error[h];
        effect[h] += times[i] * one.effect[h];
      }
    });
    return { error, effect };
  };
  // A head that writes nothing is attributed rightly.
  const ratio = (error: number, effect: number) => (error === 0 ? 0 : error / effect);
  const sum = (values: Float64Array) => values.reduce((a, b) => a + b, 0);
  const byHead = (times: ArrayLike<number>) => {
    const { error, effect } = totals(times);
    return error.map((value, h) => ratio(value, effect[h]));
  };
  const all = byHead(new Float64Array(effects.length).fill(1));
  return {
    sequences: effects.length,
    blockSize,
    nmae: resamples.estimate((times) => sum(byHead(times)) / all.length),
    pooled: resamples.estimate((times) => {
      const { error, effect } = totals(times);
      return ratio(sum(error), sum(effect));
    }),
    heads: Array.from({ length: all.length / heads }, (_, layer) => [
      ...all.subarray(layer * heads, (layer + 1) * heads),
    ]),
  };
}
