export {
  Bootstrap,
  meanOf,
  quantiles,
  Resamples,
  type BootstrapOptions,
  type Estimate,
  type Groups,
  type Interval,
} from "./statistics.js";
export { spreadOf, type Spread } from "./spread.js";
