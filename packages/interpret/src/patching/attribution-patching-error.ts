/**
 * How far attribution patching is off, over prompts: the residual before every block, position by position, really patched and to
 * first order. Source: Baroni et al. 2025 (arXiv 2507.02559) section 5.2.
 */
import type { Model } from "@normless/gpt2";
import { type Estimate, Resamples } from "@normless/statistics";
import { logitDifference } from "../run/metrics.js";
import { activationPatching } from "./activation-patching.js";
import { attributionPatching } from "./attribution-patching.js";

/** A pair of prompts of one length, and the tokens whose difference is looked at. */
export interface AnsweredPair {
  readonly clean: readonly number[];
  readonly corrupted: readonly number[];
  readonly answer: number;
  readonly wrong: number;
}

/** Errors with intervals over prompts. */
export interface AttributionPatchingError {
  readonly prompts: number;
  /** Σ |attributed − patched| / Σ |patched − corrupted|, over prompts, layers and positions. */
  readonly error: Estimate;
  /** Of each layer, Σ |attributed − patched| over positions / |clean − corrupted|, both summed over prompts. */
  readonly layers: readonly number[];
}

/** Yields how many pairs are done. @throws RangeError for no pair, and what patching refuses */
export async function* attributionPatchingError(
  model: Model,
  pairs: readonly AnsweredPair[],
  { seed = 0 }: { readonly seed?: number } = {},
): AsyncGenerator<number, AttributionPatchingError> {
  const N = pairs.length;
  if (N === 0) throw new RangeError("attributionPatchingError: there is no pair of prompts");
  const at = { at: "hook_resid_pre", by: ["position"] } as const;
  const errors: Float64Array[] = [];
  const effects: number[] = [];
  let range = 0;
  for (const { answer, wrong, ...pair } of pairs) {
    const metric = logitDifference(answer, wrong);
    const patched = await activationPatching(model, pair, metric, at);
    const attributed = await attributionPatching(model, pair, metric, at);
    const [layers, T] = patched.shape;
    const off = new Float64Array(layers);
    let effect = 0;
    for (const [i, value] of patched.values.entries()) {
      off[Math.floor(i / T)] += Math.abs(attributed.values[i] - value);
      effect += Math.abs(value - patched.corrupted);
    }
    errors.push(off);
    effects.push(effect);
    range += Math.abs(patched.clean - patched.corrupted);
    yield errors.length;
  }
  const total = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);
  return {
    prompts: N,
    error: new Resamples(N, seed).estimate((times) => {
      let [error, effect] = [0, 0];
      for (let i = 0; i < N; i++) {
        error += times[i] * total(errors[i]);
        effect += times[i] * effects[i];
      }
      return error === 0 ? 0 : error / effect;
    }),
    layers: Array.from(errors[0], (_, layer) => errors.reduce((sum, off) => sum + off[layer], 0) / range),
  };
}

/** By how much one model's errors are below another's, layer by layer: the mean and the standard deviation. @throws RangeError for other layers */
export function patchingImprovement(
  from: Pick<AttributionPatchingError, "layers">,
  to: Pick<AttributionPatchingError, "layers">,
): { readonly mean: number; readonly deviation: number } {
  const L = from.layers.length;
  if (to.layers.length !== L) {
    throw new RangeError(`patchingImprovement: the models have ${L} and ${to.layers.length} layers`);
  }
  const gains = from.layers.map((error, layer) => error - to.layers[layer]);
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / L;
  return { mean, deviation: Math.sqrt(gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0) / L) };
}
