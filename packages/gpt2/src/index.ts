export { freeTokens, type HostTokens, type Tokens, uploadTargets, uploadTokens } from "./batch.js";
export { checkConfig, type Gpt2Config, type PresetName, presets } from "./config.js";
export {
  type Attend,
  type BoundModel,
  forward,
  type ForwardOptions,
  residual,
  tokenLosses,
  trainingLoss,
  type TrainingLossOptions,
} from "./forward.js";
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
