export { checkHead, type HeadPlace } from "./circuits/head-input.js";
export {
  type HeadTokens,
  headTokens,
  type WrittenToken,
  type WrittenTokens,
} from "./circuits/head-tokens.js";
export { type ScoreOptions, type ScorePairs, scorePairs } from "./circuits/scores.js";
export { type TokenCircuitOptions, tokenLogits, tokenScores } from "./circuits/tokens.js";
export { type ValueOptions, type ValueParts, valueParts } from "./circuits/values.js";
export {
  attribute,
  attributeAll,
  type AttributedPart,
  type AttributeOptions,
  type Attribution,
} from "./parts/attribute.js";
export {
  attributionError,
  type AttributionError,
  type AttributionErrorOptions,
} from "./parts/attribution-error.js";
export {
  decompose,
  type DecomposedPosition,
  type DecomposeOptions,
  type Decomposition,
} from "./parts/decompose.js";
export { type Lens, type LensOptions, type LensRow, logitLens } from "./parts/lens.js";
export {
  type LensCell,
  type LensToken,
  type LensTokenOptions,
  type LensTokenRow,
  lensTokens,
} from "./parts/lens-tokens.js";
export { type MeanAttribution, meanAttribution, type MeanPart } from "./parts/mean-attribution.js";
export type { Part, PartKind, ResidualName, Written } from "./parts/residual-parts.js";
export { type Ablation, ablation, type AblationOptions } from "./patching/ablation.js";
export { activationPatching, type Patching } from "./patching/activation-patching.js";
export {
  type AttributedPatching,
  attributionPatching,
  type Linearised,
  patchingError,
} from "./patching/attribution-patching.js";
export { normalisedPatches } from "./patching/normalised.js";
export {
  type PathOptions,
  pathPatching,
  type PathPatching,
  type Receiver,
  type Sender,
} from "./patching/path-patching.js";
export type { PatchAxis, PatchOptions, PatchPoint, PatchValues } from "./patching/points.js";
export type { PromptPair } from "./patching/prompt-pair.js";
export { type Cache, type CachedRun, type HookTensor, runWithCache } from "./run/cache.js";
export { type GradientRun, type Metric, runWithGradients } from "./run/gradients.js";
export { type HooksByName, type HookVariable, runWithHooks } from "./run/hooks.js";
export { logitDifference, logitOf, type TokenOfRow } from "./run/metrics.js";
export { matchingNames } from "./run/patterns.js";
export type { HookTemplate, NamesOf, Wanted, WantedNames } from "./run/names.js";
export type { Prompts } from "./run/prompts.js";
