/**
 * Direct logit attribution: a logit, or the difference of two, as the sum of what each part of the model wrote for it. Without
 * a LayerNorm before the head the sum is exact and each part is what leaving it out would change. With one, every part is
 * divided by the std of the whole residual ("cached scale"): the sum still holds, but leaving a part out would change the std,
 * too. Source: Elhage et al. 2021, Baroni et al. 2025 (arXiv 2507.02559) section 5.1.
 */
import { checkFinite, type Model, OVERFLOW_ADVICE } from "@normless/gpt2";
import { batchOf, checkToken, positionIn } from "../run/prompts.js";
import { nonlinear, OffBy } from "./exactness.js";
import { type PartWeights, readPartWeights } from "./part-weights.js";
import { allLogits, classAt, logitPart, type Readout, readReadout, stdOf, throughNorm } from "./readout.js";
import {
  type Captured,
  capture,
  finalResidual,
  namesForParts,
  type Part,
  partsAt,
} from "./residual-parts.js";

/** A part of the model and its share of a logit. */
export interface AttributedPart extends Part {
  /** What the part adds to the token's logit, or to the difference. */
  readonly logit: number;
  /** The same over the mean of what it adds to every logit of the vocabulary: what a softmax sees. */
  readonly overMean: number;
  /** What leaving the part out would take away: `logit`, where no LayerNorm stands before the head. */
  readonly direct: number;
}

/** A logit, or the difference of two, taken apart. */
export interface Attribution {
  /** Counted from 0. */
  readonly position: number;
  /** The token whose logit this is, and what the model gives it after the position. */
  readonly token: number;
  /** The token whose logit is taken off. */
  readonly versus?: number;
  readonly logit: number;
  readonly probability: number;
  /** Whether the token is the likeliest. */
  readonly predicted: boolean;
  /** Whether each part is its direct effect, to the digits of the arithmetic: no LayerNorm stands before the head. */
  readonly exact: boolean;
  /** Σ |logit − direct| / Σ |direct| over the parts: how far off they are as direct effects. 0 where they are exact. */
  readonly offBy: number;
  /** max |Σ parts − logits| / max |logits| over the vocabulary. */
  readonly relativeDifference: number;
  /** In the order of the model. */
  readonly parts: readonly AttributedPart[];
}

/** Which logit is taken apart, and how far. */
export interface AttributeOptions {
  /** Default: the likeliest. */
  readonly token?: number | undefined;
  /** Its logit is taken off, so that the parts are those of the difference. */
  readonly versus?: number | undefined;
  /** Each neuron of the MLPs is a part, in place of each MLP. */
  readonly neurons?: boolean;
  /** Refuses a model with a LayerNorm before the head. */
  readonly exact?: boolean;
}

/** How far the parts' sum may be from the logits, relative to the largest; it is float32 that leaves a difference. */
export const SUM_TOLERANCE = 1e-5;

/**
 * The parts of a logit after `position` (the last, unless given; from the end where negative) of a text of at most a context.
 * @throws RangeError for no ids, a bad token or position, and an exact form where there is none; NotFiniteError naming a logit
 * that is no number; Error when the parts' sum is not the logits within 1e-5
 */
export async function attribute(
  model: Model,
  ids: readonly number[],
  { position = -1, ...options }: AttributeOptions & { readonly position?: number } = {},
): Promise<Attribution> {
  const [found] = await attributeAll(model, ids, { positions: [position], ...options });
  return found;
}

/** The same after each of some positions (all, unless given), in one pass. @throws as `attribute` does */
export async function attributeAll(
  model: Model,
  ids: readonly number[],
  {
    positions,
    token,
    versus,
    neurons = false,
    exact = false,
  }: AttributeOptions & { readonly positions?: readonly number[] } = {},
): Promise<Attribution[]> {
  const { vocabSize } = model.config;
  if (ids.length === 0) throw new RangeError("attribute: the text has no token to predict the next one from");
  for (const one of [token, versus]) if (one !== undefined) checkToken(one, vocabSize, "attribute");
  const places = (positions ?? ids.map((_, t) => t)).map((position) =>
    positionIn(ids.length, position, "attribute"),
  );
  const linear = nonlinear(model, ["ln_f"], "attribute", exact).length === 0;
  const captured = await capture(model, batchOf(ids), namesForParts(finalResidual(model), { neurons }), {
    head: true,
  });
  const [weights, readout] = [await readPartWeights(model, { neurons }), await readReadout(model)];
  return places.map((t) => attributeAt({ model, ids, captured, weights, readout, linear }, t, token, versus));
}

/** What an attribution is made from. */
interface Read {
  readonly model: Model;
  readonly ids: readonly number[];
  readonly captured: Captured;
  readonly weights: PartWeights;
  readonly readout: Readout;
  readonly linear: boolean;
}

function attributeAt(
  read: Read,
  t: number,
  token: number | undefined,
  versus: number | undefined,
): Attribution {
  const { model, ids, captured, weights, readout, linear } = read;
  const { channels, vocabSize: V } = model.config;
  const logits = Float64Array.from(captured.logits.subarray(t * V, (t + 1) * V));
  checkFinite(logits, {
    what: "attribute: the row of logits after the text",
    place: (id) => `id ${id}`,
    advice: OVERFLOW_ADVICE,
  });
  const position = classAt(model, Int32Array.from(ids), t);
  const whole = new Float64Array(channels);
  const place = { row: t, id: ids[t], t };
  for (const { values } of partsAt(model, weights, captured, place))
    values.forEach((value, c) => (whole[c] += value));
  const std = stdOf(readout, whole, position);
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
  /** What a vector of the residual, divided by a std, adds to the logit or the difference, and over the mean of all. */
  const shareOf = (values: Float64Array, by: number) => {
    const z = throughNorm(readout, values, by);
    const { logit, mean } = logitPart(readout, z, target);
    if (versus === undefined) return { logit, overMean: logit - mean };
    const share = logit - logitPart(readout, z, versus).logit;
    return { logit: share, overMean: share };
  };
  const all = shareOf(whole, std).logit;
  const offBy = new OffBy();
  const parts: AttributedPart[] = [];
  for (const { values, ...part } of partsAt(model, weights, captured, place)) {
    const share = shareOf(values, std);
    let direct = share.logit;
    if (!linear) {
      const without = whole.map((x, c) => x - values[c]);
      direct = all - shareOf(without, stdOf(readout, without, position)).logit;
    }
    offBy.add(share.logit, direct);
    parts.push({ ...part, ...share, direct });
  }
  // With the beta of ln_f in it.
  const bias = readout.bias[target] - (versus === undefined ? 0 : readout.bias[versus]);
  const overMean = versus === undefined ? bias - readout.meanBias : bias;
  return {
    position: t,
    token: target,
    ...(versus !== undefined && { versus }),
    logit: logits[target] - (versus === undefined ? 0 : logits[versus]),
    probability: Math.exp(logits[target] - logits[top]) / total,
    predicted: target === top,
    exact: linear,
    offBy: offBy.value,
    relativeDifference,
    parts: [...parts, { name: "lm_head.bias", kind: "bias", logit: bias, overMean, direct: bias }],
  };
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
