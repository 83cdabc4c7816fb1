export { freeTokens, type HostTokens, type Tokens, uploadTargets, uploadTokens } from "./batch.js";
export { KeyValueCache } from "./cache.js";
export { checkConfig, type Gpt2Config, type PresetName, presets } from "./config.js";
export {
  type Attend,
  type BoundModel,
  forward,
  type ForwardOptions,
  type Model,
  residual,
  tokenLosses,
  trainingLoss,
  type TrainingLossOptions,
} from "./forward.js";
export { generate, type GenerateOptions } from "./generate.js";
export {
  checkWeights,
  downloadWeights,
  freeParams,
  hasNorms,
  type HostTensor,
  initWeights,
  parameterCount,
  parameterShapes,
  uploadWeights,
  type Weights,
} from "./params.js";
export { checkSampling, sampleToken, type Sampling } from "./sample.js";
export {
  moduleOf,
  type NormModule,
  normModules,
  type NormSite,
  normSites,
  type NormTable,
  replaceNorm,
  standardNorms,
} from "./sites.js";
