/**
 * Attribution patching: what activation patching would come to, to first order, from one run forward and back: the metric's
 * gradient on the corrupted prompt times what the clean one has more. A linearisation of all that comes after the patch, in a
 * model without LayerNorm of softmax and GELU still. Source: Nanda 2023; Syed et al. 2023 (arXiv 2310.10348).
 */
import { mul, permute, sub, sum } from "@normless/autograd";
import type { Model } from "@normless/gpt2";
import { scope, type TensorData } from "@normless/tensor";
import { isLinear, OffBy } from "../parts/exactness.js";
import { freeAll } from "../run/cache.js";
import { type Metric, runWithGradients } from "../run/gradients.js";
import { passBody } from "../run/pass.js";
import type { Patching } from "./activation-patching.js";
import { hookOf, type PatchOptions, planned, valuesOf } from "./points.js";
import { batchesOf, metricOf, type PromptPair } from "./prompt-pair.js";

/** What is taken as linear. */
export type Linearised = "softmax" | "GELU" | "LayerNorm";

/** What patches would come to, to first order. */
export interface AttributedPatching extends Patching {
  /** What stands after the first of the patched layers and is taken as linear. */
  readonly linearises: readonly Linearised[];
}

/**
 * The metric of the corrupted run for every patch, to first order; `patchingError` holds it against the real ones.
 * @throws RangeError for prompts of different lengths, and for what cannot be patched so
 */
export async function attributionPatching(
  model: Model,
  pair: PromptPair,
  metric: Metric,
  options: PatchOptions,
): Promise<AttributedPatching> {
  const { clean } = batchesOf(pair);
  const plan = planned(model, clean.T, options, "attributionPatching");
  const names = plan.layers.map((layer) => hookOf(plan, layer));
  const kept = passBody(model, clean, { keep: names });
  try {
    using run = runWithGradients(model, pair.corrupted, names, metric);
    const corrupted = await run.value.item();
    const rows: TensorData[] = [];
    for (const name of names) {
      using effect = scope(() => {
        const change = mul(sub(kept[name], run.cache[name]), run.gradients[name]);
        const [dims, order] = [[...plan.dims].sort((a, b) => a - b), plan.dims];
        const rest = change.shape.map((_, d) => d).filter((d) => !dims.includes(d));
        const total = rest.length > 0 ? sum(change, rest) : change;
        return order.join() === dims.join()
          ? total
          : permute(
              total,
              order.map((d) => dims.indexOf(d)),
            );
      });
      rows.push(await effect.read());
    }
    const values = Float64Array.from(
      rows.flatMap((row) => [...row]),
      (effect) => corrupted + effect,
    );
    const norms = !Object.keys(model.norms).every((site) => isLinear(model, site as "ln_f"));
    return {
      ...valuesOf(plan, values),
      clean: await metricOf(model, pair.clean, metric),
      corrupted,
      linearises: ["softmax", "GELU", ...(norms ? (["LayerNorm"] as const) : [])],
    };
  } finally {
    freeAll(Object.values(kept));
  }
}

/** Σ |attributed − patched| / Σ |patched − corrupted| over the patches of both: how far off the first order is. @throws RangeError for patches of other places */
export function patchingError(attributed: Patching, patched: Patching): number {
  if (
    attributed.at !== patched.at ||
    attributed.shape.join() !== patched.shape.join() ||
    attributed.axes.join() !== patched.axes.join()
  ) {
    throw new RangeError(
      `patchingError: patches of ${attributed.at} (${attributed.shape.join(" × ")}) and of ${patched.at} (${patched.shape.join(" × ")}) ` +
        "are not of the same places",
    );
  }
  const offBy = new OffBy();
  patched.values.forEach((value, i) => {
    offBy.add(attributed.values[i] - patched.corrupted, value - patched.corrupted);
  });
  return offBy.value;
}
