export { freeTokens, type HostTokens, type Tokens, uploadTargets, uploadTokens } from "./batch.js";
export { KeyValueCache } from "./cache.js";
export { checkConfig, type Gpt2Config, type PresetName, presets, stopTokens } from "./config.js";
export { toEps1e12 } from "./export.js";
export { checkFinite, elementOf, type FiniteText, NotFiniteError, OVERFLOW_ADVICE } from "./finite.js";
export { foldFrozen, foldModel } from "./fold.js";
export {
  type Attend,
  type BoundModel,
  forward,
  type ForwardOptions,
  headOf,
  type Model,
  residual,
  tokenLosses,
  trainingLoss,
  type TrainingLossOptions,
} from "./forward.js";
export { generate, type GenerateOptions } from "./generate.js";
export { promptIds, sampleText } from "./sample-text.js";
export { configFromHf, configText, type ReadConfig } from "./hf-config.js";
export {
  type FileToWrite,
  type Folder,
  isModelFile,
  type LoadedModel,
  memoryFolder,
  modelFiles,
  type ModelToWrite,
  readModel,
} from "./hf-folder.js";
export { Float, jsonText } from "./json.js";
export type { WeightDtype, WeightNames } from "./hf-weights.js";
export { describeLayout, detectLayout, type Layout, sitesWithoutNorm, withFrozenNames } from "./layout.js";
export {
  checkModel,
  checkWeights,
  downloadWeights,
  freeParams,
  hasNorms,
  type HostModel,
  type HostTensor,
  initWeights,
  parameterCount,
  parameterShapes,
  uploadWeights,
  type Weights,
} from "./params.js";
export { checkSampling, sampleToken, type Sampling } from "./sample.js";
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
} from "./sites.js";
export { untieHead } from "./untie.js";
export { centreWriters, fromTransformerLens, toTransformerLens } from "./transformer-lens.js";
