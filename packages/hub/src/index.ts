export { BoundsError, boundedFetch, silence, SilenceError, TooLongError, type Bounds } from "./bounds.js";
export {
  brokenFiles,
  hashOf,
  INDEX,
  repositoryFolders,
  shardsOf,
  WEIGHTS,
  type BrokenFile,
  type HashAlgorithm,
} from "./cache.js";
export { HubError, HubRefusal, HubUnreachable, NoSuchModelError, NotCachedError } from "./errors.js";
export { HubModel, isOffline, type Hear, type HubEvent, type HubPart } from "./model.js";
export {
  isCommit,
  isShort,
  namesOf,
  parseReference,
  shortNames,
  showReference,
  type Reference,
} from "./names.js";
