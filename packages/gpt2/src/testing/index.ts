export {
  linear,
  minus,
  naiveHead,
  naivePass,
  plus,
  positionOf,
  softmax,
  type NaivePass,
} from "./naive-pass.js";
export {
  attentions,
  configs,
  configsFrom,
  frozenModel,
  frozenModels,
  inMemory,
  logitsOf,
  onDevice,
  randomIds,
  randomModel,
  seeds,
} from "./random-model.js";
export { config, corpus, tokens, weights } from "./tiny.js";
