export type { Case } from "./cases/case.js";
export { cases } from "./cases/index.js";
export { closeness, type Closeness, expectClose } from "./closeness.js";
export {
  conformance,
  type ConformanceCheck,
  type ConformanceOptions,
  type OpCase,
  opConformance,
} from "./conformance.js";
export { largeRun } from "./large-run.js";
export {
  bools,
  constant,
  int32,
  integers,
  random,
  scalar,
  uniform,
  type Value,
  values,
  viewOf,
} from "./values.js";
