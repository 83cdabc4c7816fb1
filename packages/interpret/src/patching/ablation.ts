/** Ablation: a part of a tensor is put to zero or to its mean, and what comes of it is measured. Exact whatever the norms. */
import { mean } from "@normless/autograd";
import type { Model } from "@normless/gpt2";
import { scope, type Tensor, zeros } from "@normless/tensor";
import { freeAll } from "../run/cache.js";
import type { Metric } from "../run/gradients.js";
import { passBody } from "../run/pass.js";
import { batchOf, type Prompts } from "../run/prompts.js";
import { hookOf, type PatchOptions, type PatchPlan, type PatchValues, planned, valuesOf } from "./points.js";
import { metricOf } from "./prompt-pair.js";
import { sweep } from "./sweep.js";

/** What is ablated, and to what. */
export interface AblationOptions extends PatchOptions {
  /** `mean` is over all rows and positions of `over`. */
  readonly to: "zero" | "mean";
  /** Whose mean; default: the prompts themselves. */
  readonly over?: Prompts;
}

/** What ablations came to. */
export interface Ablation extends PatchValues {
  /** The metric of the prompts as they are. */
  readonly whole: number;
}

/** The metric of a run for every ablation. @throws RangeError for what cannot be ablated so; a pattern's mean is none */
export async function ablation(
  model: Model,
  prompts: Prompts,
  metric: Metric,
  { to, over = prompts, ...options }: AblationOptions,
): Promise<Ablation> {
  const batch = batchOf(prompts);
  const plan = planned(model, batch.T, options, "ablation");
  if (to === "mean" && plan.at === "attn.hook_pattern") {
    throw new RangeError(
      "ablation: the mean of a pattern over positions is no pattern; ablate it to zero, or attn.hook_z to its mean",
    );
  }
  const sources = to === "mean" ? meansOf(model, plan, over) : zerosOf(model, plan);
  try {
    const source = (layer: number) => sources[hookOf(plan, layer)];
    const values = await sweep({ model, batch, metric, plan, source });
    return { ...valuesOf(plan, values), whole: await metricOf(model, prompts, metric) };
  } finally {
    freeAll(Object.values(sources));
  }
}

type Sources = Readonly<Record<string, Tensor>>;

function zerosOf({ params }: Model, plan: PatchPlan): Sources {
  return Object.fromEntries(
    plan.layers.map((layer) => [hookOf(plan, layer), zeros(params["wte.weight"].backend, [])]),
  );
}

/** Of each layer's tensor (B,T,…), its mean over the first two, (1,1,…). */
function meansOf(model: Model, plan: PatchPlan, over: Prompts): Sources {
  return scope(() => {
    const kept = passBody(model, batchOf(over, "over"), {
      keep: plan.layers.map((layer) => hookOf(plan, layer)),
    });
    return Object.fromEntries(
      Object.entries(kept).map(([name, tensor]) => [name, mean(tensor, [0, 1], { keepdim: true })]),
    );
  });
}
