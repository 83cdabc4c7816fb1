/**
 * Activation patching: the corrupted prompt is run with one part of a tensor as the clean prompt has it, and what comes of it
 * is measured. An intervention, so exact whatever the norms. Source: Meng et al. 2022 (arXiv 2202.05262); the sweeps are those of
 * TransformerLens's `patching`.
 */
import type { Model } from "@normless/gpt2";
import { freeAll } from "../run/cache.js";
import type { Metric } from "../run/gradients.js";
import { passBody } from "../run/pass.js";
import { hookOf, type PatchOptions, type PatchValues, planned, valuesOf } from "./points.js";
import { batchesOf, metricOf, type PromptPair } from "./prompt-pair.js";
import { sweep } from "./sweep.js";

/** What patches came to, and the two prompts without any. */
export interface Patching extends PatchValues {
  /** The metric of each prompt as it is: a patch that brings all back comes to `clean`, one that does nothing to `corrupted`. */
  readonly clean: number;
  readonly corrupted: number;
}

/**
 * The metric of the corrupted run for every patch.
 * @throws RangeError for prompts of different lengths, and for what cannot be patched so
 */
export async function activationPatching(
  model: Model,
  pair: PromptPair,
  metric: Metric,
  options: PatchOptions,
): Promise<Patching> {
  const { clean, corrupted } = batchesOf(pair);
  const plan = planned(model, clean.T, options, "activationPatching");
  const kept = passBody(model, clean, { keep: plan.layers.map((layer) => hookOf(plan, layer)) });
  try {
    const source = (layer: number) => kept[hookOf(plan, layer)];
    const values = await sweep({ model, batch: corrupted, metric, plan, source });
    return {
      ...valuesOf(plan, values),
      clean: await metricOf(model, pair.clean, metric),
      corrupted: await metricOf(model, pair.corrupted, metric),
    };
  } finally {
    freeAll(Object.values(kept));
  }
}
