/** A head of its own for a model that predicts with its embedding. */
import type { HostModel } from "../model/weights.js";

/**
 * The same function with the head's weights, (V,C), apart from the embedding's, so that training may move the two apart, as
 * folding ln_f does in the end. An untied model comes back as it is; values are shared until somebody writes them.
 */
export function untieHead<M extends Pick<HostModel, "config" | "weights">>(model: M): M {
  const { config, weights } = model;
  if (!config.tied) return model;
  return {
    ...model,
    config: { ...config, tied: false },
    weights: { ...weights, "lm_head.weight": weights["wte.weight"] },
  };
}
