/**
 * Where the norms are. A block's ln_1 counts twice, because its query/key path and its value path lose their norms at
 * different times: `h.0.ln_1:qk`, `h.0.ln_1:v`, `h.0.ln_2`, …, `ln_f`. The residual that a norm reads is named by
 * its module: `h.0.ln_1`, `h.0.ln_2`, `ln_f`.
 */
import { frozenNorm, type Norm, standardNorm } from "@normless/layernorm";
import type { PerClass } from "@normless/tensor";
import type { Gpt2Config } from "./config.js";

/** A place where a norm is read: `h.0.ln_1:qk`, `h.0.ln_1:v`, `h.0.ln_2`, `ln_f`. */
export type NormSite = `h.${number}.ln_1:qk` | `h.${number}.ln_1:v` | `h.${number}.ln_2` | "ln_f";
/** A norm by its parameters' name, and the residual, (B,T,C), that it reads: `h.0.ln_1`, `h.0.ln_2`, `ln_f`. */
export type NormModule = `h.${number}.ln_1` | `h.${number}.ln_2` | "ln_f";
/** One norm a site. */
export type NormTable = Readonly<Record<string, Norm>>;

/** All sites, in the order of the forward pass; 3L+1 of them. */
export function normSites({ layers }: Pick<Gpt2Config, "layers">): NormSite[] {
  const blocks = Array.from({ length: layers }, (_, i): NormSite[] => [
    `h.${i}.ln_1:qk`,
    `h.${i}.ln_1:v`,
    `h.${i}.ln_2`,
  ]);
  return [...blocks.flat(), "ln_f"];
}

/** All modules, in the order of the forward pass; 2L+1 of them. */
export function normModules(config: Pick<Gpt2Config, "layers">): NormModule[] {
  return [...new Set(normSites(config).map(moduleOf))];
}

/** The module that a site belongs to: `h.0.ln_1:qk` → `h.0.ln_1`. */
export function moduleOf(site: NormSite): NormModule {
  return site.replace(/:(qk|v)$/, "") as NormModule;
}

/** Every site standard, as GPT-2 was trained. */
export function standardNorms(config: Pick<Gpt2Config, "layers" | "eps">): NormTable {
  return Object.fromEntries(normSites(config).map((site) => [site, standardNorm(config.eps)]));
}

/** The table with one site's norm replaced. @throws RangeError for a site that is not in it. */
export function replaceNorm(norms: NormTable, site: string, norm: Norm): NormTable {
  if (!(site in norms)) {
    throw new RangeError(`there is no norm site ${site}; the sites are ${Object.keys(norms).join(", ")}`);
  }
  return { ...norms, [site]: norm };
}

/**
 * Every site frozen at its module's std: one number, or one for each position class.
 * @throws RangeError for a module without a std, or a std that is not positive and finite.
 */
export function freezeAll(norms: NormTable, stds: Readonly<Record<string, PerClass | number>>): NormTable {
  const frozen = Object.keys(norms).map((site) => {
    const module = moduleOf(site as NormSite);
    if (!(module in stds)) throw new RangeError(`freezeAll: there is no std for ${module}`);
    return [site, frozenNorm(stds[module])] as const;
  });
  return Object.fromEntries(frozen);
}

/** The sites that read a module's residual: both paths of a ln_1, or the module itself. */
export function sitesOf(module: NormModule): NormSite[] {
  return module.endsWith(".ln_1")
    ? [`${module}:qk` as NormSite, `${module}:v` as NormSite]
    : [module as NormSite];
}

/** Whether no norm is left: everything they did stands in the weights (see fold.ts). */
export function isFolded(norms: NormTable): boolean {
  return Object.values(norms).every((norm) => norm.kind === "folded");
}
