/**
 * A model whose norms are all frozen in a form that stock software loads and runs, unaware: an ordinary
 * `GPT2LMHeadModel`. An epsilon of 1e12 drowns the variance, so that a LayerNorm divides by 1e6 whatever it reads, and
 * a gamma of 1e6 undoes that. Where the logits should be free of norms in truth, fold (fold.ts).
 * Source: the published models of Heimersheim 2024 (arXiv 2409.13710) and Baroni et al. 2025 (arXiv 2507.02559).
 */
import { foldBlocks, frozenAt, readFrozen } from "./fold.js";
import { checkModel } from "../model/params.js";
import type { HostModel, HostTensor } from "../model/weights.js";
import { normModules, normSites, standardNorms } from "../model/sites.js";

const EPS = 1e12;
const SCALE = Math.sqrt(EPS);

/**
 * The norms of the blocks folded into c_attn and c_fc, with gamma 1e6 and beta 0 left in their place; ln_f keeps its
 * beta, and gamma·1e6/std, so that the head stays tied; eps 1e12 everywhere. What the config says of attention's scale
 * stays there, since stock software computes it. The relative error is var/2e12 for a
 * residual of variance var: none in float32 up to a std of 180, 5e-5 at 1e4. float16 cannot hold it. A block's norm may be
 * folded before; ln_f may not, since its fold gives the head a bias, for which there is no place.
 * @throws Error naming the first site whose norm is not frozen at one constant for all positions.
 */
export function toEps1e12(model: HostModel): HostModel {
  checkModel(model);
  const { config: before, norms } = model;
  const sites = normSites(before).filter((site) => norms[site].kind !== "folded");
  const weights: Record<string, HostTensor> = { ...foldBlocks(model, { queries: () => 1, sites }) };
  const atEnd = frozenAt(norms, "ln_f");
  const vector = (data: HostTensor["data"]): HostTensor => ({ shape: [before.channels], data });
  for (const module of normModules(before)) {
    weights[`${module}.weight`] = vector(new Float32Array(before.channels).fill(SCALE));
    weights[`${module}.bias`] = vector(new Float32Array(before.channels));
  }
  weights["ln_f.weight"] = vector(async () => {
    const { gamma, std } = await readFrozen(model.weights, atEnd);
    return Float32Array.from(gamma, (value) => (value * SCALE) / std);
  });
  weights["ln_f.bias"] = model.weights["ln_f.bias"];
  const config = { ...before, eps: EPS };
  return { config, weights, norms: standardNorms(config) };
}
