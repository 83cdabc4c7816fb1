/** The form of LN-free models that stock software loads, seen for what it is. Its source is @normless/gpt2's export.ts. */
import type { HostModel } from "@normless/gpt2";
import { frozenNorm, type Norm } from "@normless/layernorm";

/** From here on an epsilon drowns any variance that float32 activations have. */
const DROWNING_EPS = 1e10;

/** LayerNorms with an epsilon of 1e12, as published LN-free models have, are frozen in all but name: at sqrt(eps). */
export function withFrozenNames(model: HostModel): HostModel {
  const named = (norm: Norm): Norm =>
    norm.kind === "standard" && norm.eps >= DROWNING_EPS ? frozenNorm(Math.sqrt(norm.eps)) : norm;
  const norms = Object.entries(model.norms).map(([site, norm]) => [site, named(norm)] as const);
  return { ...model, norms: Object.fromEntries(norms) };
}
