export { freeTokens, type HostTokens, type Tokens, uploadTargets, uploadTokens } from "./model/batch.js";
export {
  checkConfig,
  type Gpt2Config,
  MOST_OF_CONFIG,
  type PresetName,
  presets,
  queryScale,
  stopTokens,
} from "./model/config.js";
export { checkFinite, elementOf, type FiniteText, NotFiniteError, OVERFLOW_ADVICE } from "./model/finite.js";
export { forward, headOf, residual, unembed } from "./model/forward.js";
export {
  type BlockHook,
  blockHooks,
  checkHookName,
  type HookName,
  hookNames,
  type HookShape,
} from "./model/hook-names.js";
export { atNormInputs, type Hook, type Hooks } from "./model/hooks.js";
export { tokenLosses, trainingLoss, type TrainingLossOptions } from "./model/losses.js";
export { normAt } from "./model/norm-at.js";
export type { Attend, BoundModel, ForwardOptions, Model } from "./model/pass.js";
export {
  checkModel,
  checkWeights,
  hasNorms,
  initWeights,
  parameterCount,
  parameterShapes,
} from "./model/params.js";
export {
  downloadWeights,
  freeParams,
  gatherWeights,
  type HostModel,
  type HostTensor,
  readValues,
  type TensorInMemory,
  roundedWeights,
  type UploadOptions,
  uploadWeights,
  type Weights,
  type WeightsInMemory,
} from "./model/weights.js";
export {
  freezeAll,
  isFolded,
  moduleOf,
  type NormModule,
  normModules,
  type NormSite,
  normSites,
  type NormTable,
  replaceNorm,
  sitesOf,
  standardNorms,
} from "./model/sites.js";
export { KeyValueCache } from "./generation/cache.js";
export { generate, type GenerateOptions } from "./generation/generate.js";
export { promptIds, sampleText } from "./generation/sample-text.js";
export { checkSampling, sampleToken, type Sampling } from "./generation/sample.js";
export { toEps1e12 } from "./folding/export.js";
export { foldFrozen, foldModel } from "./folding/fold.js";
export { untieHead } from "./folding/untie.js";
export { configFromHf, configText, type ReadConfig } from "./files/hf-config.js";
export {
  type FileToWrite,
  type Folder,
  isModelFile,
  type LoadedModel,
  memoryFolder,
  modelFiles,
  type ModelToWrite,
  readModel,
} from "./files/hf-folder.js";
export type { WeightDtype, WeightNames } from "./files/hf-weights.js";
export { Float, jsonText } from "./files/json.js";
export {
  describeLayout,
  detectLayout,
  type Layout,
  sitesWithoutNorm,
  withFrozenNames,
} from "./files/layout.js";
export { centreWriters, fromTransformerLens, toTransformerLens } from "./files/transformer-lens.js";
