export { attribute, type AttributedPart, type Attribution } from "./attribute.js";
export {
  attributionError,
  type AttributionError,
  type AttributionErrorOptions,
} from "./attribution-error.js";
export { type Cache, type CachedRun, type HookTensor, runWithCache } from "./run/cache.js";
export { type GradientRun, type Metric, runWithGradients } from "./run/gradients.js";
export { logitDifference, logitOf, type TokenOfRow } from "./run/metrics.js";
export { type HooksByName, type HookVariable, runWithHooks } from "./run/hooks.js";
export type { HookTemplate, NamesOf, Wanted, WantedNames } from "./run/names.js";
export type { Prompts } from "./run/prompts.js";
export type { PartKind } from "./residual-parts.js";
