export { attribute, type AttributedPart, type Attribution } from "./attribute.js";
export {
  attributionError,
  type AttributionError,
  type AttributionErrorOptions,
} from "./attribution-error.js";
export type { PartKind } from "./residual-parts.js";
