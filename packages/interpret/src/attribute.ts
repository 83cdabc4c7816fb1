/**
 * Direct logit attribution: a logit as the sum of what each part of the model wrote for it. Without a LayerNorm before
 * the head the sum is exact and each part is what leaving it out would change. With one, every part is divided by the
 * std of the whole residual ("cached scale"): the sum still holds, but leaving a part out would change the std, too;
 * attribution-error.ts says by how much. Source: Elhage et al. 2021, Baroni et al. 2025 (arXiv 2507.02559) section 5.1.
 */
import { checkFinite, type Model, OVERFLOW_ADVICE } from "@normless/gpt2";
import { allLogits, classAt, logitPart, type Readout, readReadout, stdOf, throughNorm } from "./readout.js";
import { capture, type Part, partsAt, readPartWeights } from "./residual-parts.js";

/** A part of the model and its share of a logit. */
export interface AttributedPart extends Part {
  /** What the part adds to the token's logit. */
  readonly logit: number;
  /** The same over the mean of what it adds to every logit of the vocabulary: what a softmax sees. */
  readonly overMean: number;
}

/** A logit taken apart. */
export interface Attribution {
  /** The token whose logit this is, and what the model gives it after the text. */
  readonly token: number;
  readonly logit: number;
  readonly probability: number;
  /** Whether the token is the likeliest. */
  readonly predicted: boolean;
  /** Whether each part is its direct effect, to the digits of the arithmetic: no LayerNorm stands before the head. */
  readonly exact: boolean;
  /** max |Σ parts − logits| / max |logits| over the vocabulary. */
  readonly relativeDifference: number;
  /** In the order of the model. */
  readonly parts: readonly AttributedPart[];
}

/** How far the parts' sum may be from the logits, relative to the largest; it is float32 that leaves a difference. */
export const SUM_TOLERANCE = 1e-5;

/**
 * The parts of the logit of `token` (default: the likeliest) after the last of `ids`, at most a context of them.
 * @throws RangeError for no ids or a bad token; NotFiniteError naming a logit that is no number; Error
 * when the parts' sum is not the logits within 1e-5
 */
export async function attribute(model: Model, ids: readonly number[], token?: number): Promise<Attribution> {
  const { config } = model;
  if (ids.length === 0) throw new RangeError("attribute: the text has no token to predict the next one from");
  if (token !== undefined && !(token >= 0 && token < config.vocabSize)) {
    throw new RangeError(`attribute: token ${token} is outside the vocabulary of ${config.vocabSize}`);
  }
  const inputs = Int32Array.from(ids);
  const T = inputs.length;
  const captured = await capture(model, { inputs, B: 1, T }, true);
  const logits = Float64Array.from(captured.logits.subarray((T - 1) * config.vocabSize));
  const place = { row: T - 1, id: inputs[T - 1], t: T - 1 };
  checkFinite(logits, {
    what: "attribute: the row of logits after the text",
    place: (id) => `id ${id}`,
    advice: OVERFLOW_ADVICE,
  });
  const written = partsAt(model, await readPartWeights(model), captured, place);
  const readout = await readReadout(model);

  const whole = new Float64Array(config.channels);
  for (const { values } of written) values.forEach((value, c) => (whole[c] += value));
  const std = stdOf(readout, whole, classAt(model, inputs, T - 1));
  const relativeDifference = difference(allLogits(readout, throughNorm(readout, whole, std)), logits);
  if (!(relativeDifference <= SUM_TOLERANCE)) {
    throw new Error(
      `attribute: the parts' sum is ${relativeDifference.toExponential(1)} of the largest logit away from the logits, ` +
        `more than ${SUM_TOLERANCE}. Where the residual is very large, float32 has lost the digits; ` +
        "the backend reference computes in float64.",
    );
  }
  const top = argmax(logits);
  const target = token ?? top;
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - logits[top]), 0);
  return {
    token: target,
    logit: logits[target],
    probability: Math.exp(logits[target] - logits[top]) / total,
    predicted: target === top,
    exact: readout.norm.kind === "frozen" || readout.norm.kind === "folded",
    relativeDifference,
    parts: [
      ...written.map(({ values, ...part }) => ({ ...part, ...logitOf(readout, values, std, target) })),
      // With the beta of ln_f in it.
      {
        name: "lm_head.bias",
        kind: "bias",
        logit: readout.bias[target],
        overMean: readout.bias[target] - readout.meanBias,
      },
    ],
  };
}

function logitOf(readout: Readout, values: Float64Array, std: number, token: number) {
  const { logit, mean } = logitPart(readout, throughNorm(readout, values, std), token);
  return { logit, overMean: logit - mean };
}

function difference(sums: ArrayLike<number>, logits: ArrayLike<number>): number {
  let [gap, largest] = [0, 0];
  for (let t = 0; t < logits.length; t++) {
    gap = Math.max(gap, Math.abs(sums[t] - logits[t]));
    largest = Math.max(largest, Math.abs(logits[t]));
  }
  return gap === 0 ? 0 : gap / largest;
}

function argmax(values: ArrayLike<number>): number {
  let top = 0;
  for (let t = 1; t < values.length; t++) if (values[t] > values[top]) top = t;
  return top;
}
