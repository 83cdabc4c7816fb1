/**
 * What Baroni et al. 2025 (arXiv 2507.02559) measured on LN-free models, section 5, on two models: with LayerNorm and without. Beside it
 * stands what they found on GPT-2; the text, the prompts and the size are others, so that the figures are to be held beside theirs,
 * not against them.
 */
import { type Both, compareModels, type Comparison } from "@normless/evaluate";
import type { Model } from "@normless/gpt2";
import {
  type AnsweredPair,
  type AttributionError,
  attributionError,
  type AttributionPatchingError,
  attributionPatchingError,
  type ConfidenceNeuron,
  confidenceNeurons,
  type NeuronAblation,
  neuronAblation,
  patchingImprovement,
} from "@normless/interpret";
import { counted } from "../terminal/counter.js";
import type { Io } from "../terminal/io.js";

/** The measures of both models, with 95 % intervals. */
export interface Payoffs {
  /** Direct logit attribution of heads, section 5.1. */
  readonly attribution: Both<AttributionError>;
  /** Attribution patching of the residual, section 5.2. */
  readonly patching: Both<AttributionPatchingError>;
  /** The error of A less that of B, layer by layer. */
  readonly improvement: { readonly mean: number; readonly deviation: number };
  /** Sinks and residual norms, section 5.3. */
  readonly comparison: Pick<Comparison, "firstAttention" | "sinkRate" | "norms" | "attention">;
  /** The neurons with the highest scores, and what holding A's at their means changes, section 5.4. */
  readonly neurons: Both<{ readonly top: readonly ConfidenceNeuron[]; readonly ablation: NeuronAblation }>;
}

export interface PayoffsData extends Payoffs {
  readonly models: Both<string>;
  readonly data: readonly string[];
  readonly tokens: number;
  readonly blockSize: number;
  readonly prompts: string;
}

/** What is looked at. */
export interface PayoffsInput {
  readonly tokens: Uint16Array;
  readonly blockSize: number;
  readonly pairs: readonly AnsweredPair[];
}

/** Neurons that are held at their means. */
const NEURONS = 3;

/** Measures both, telling how far it is. @throws RangeError for fewer tokens than a sequence */
export async function measurePayoffs(
  io: Io,
  models: Both<Model>,
  { tokens, blockSize, pairs }: PayoffsInput,
): Promise<Payoffs> {
  const sequences = Math.floor((tokens.length - 1) / blockSize);
  const both = async <X>(measure: (model: Model, name: string) => Promise<X>): Promise<Both<X>> => ({
    a: await measure(models.a, "A"),
    b: await measure(models.b, "B"),
  });
  const attribution = await both((model, name) =>
    counted(
      io,
      attributionError(model, tokens, { sequences, blockSize }),
      sequences,
      `sequences of ${name} attributed`,
    ),
  );
  const patching = await both((model, name) =>
    counted(io, attributionPatchingError(model, pairs), pairs.length, `prompts of ${name} patched`),
  );
  const { firstAttention, sinkRate, norms, attention } = await counted(
    io,
    compareModels(models, tokens, { blockSize }),
    tokens.length - 1,
    "tokens compared",
  );
  const scores = await both((model) => confidenceNeurons(model));
  const chosen = scores.a.slice(0, NEURONS).map(({ neuron }) => neuron);
  const neurons = await both(async (model, name) => ({
    top: scores[name === "A" ? "a" : "b"].slice(0, NEURONS),
    ablation: await counted(
      io,
      neuronAblation(model, tokens, { neurons: chosen, blockSize }),
      2 * sequences,
      `sequences of ${name} with neurons at their means`,
    ),
  }));
  return {
    ...{ attribution, patching, improvement: patchingImprovement(patching.a, patching.b) },
    ...{ comparison: { firstAttention, sinkRate, norms, attention }, neurons },
  };
}

/** By how much the residual of the first position is longer than that of the others, where it is most so: `[ratio, module]`. */
export function firstNorm(
  { norms }: Payoffs["comparison"],
  side: "a" | "b",
): readonly [ratio: number, module: string] {
  return norms[side].reduce<readonly [number, string]>(
    (best, { module, mean: { first, rest } }) =>
      first !== undefined && rest !== undefined && first / rest > best[0] ? [first / rest, module] : best,
    [0, ""],
  );
}
