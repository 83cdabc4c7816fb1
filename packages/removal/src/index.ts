export { firstPositionOf, forwardTokens } from "./estimate.js";
export type * from "./events.js";
export {
  describeFirstPosition,
  laterAttention,
  measureFirstPosition,
  SINK_RATIO,
  sinkWarning,
} from "./validation/first-position.js";
export {
  changeRemoval,
  describeChanges,
  type Moment,
  type RecipeChange,
  removalChanges,
} from "./recipe/change-recipe.js";
export { describeControl } from "./run/control.js";
export { GONE_NATS, LossWatch, type Onset } from "./loss-watch.js";
export {
  applyRemoval,
  checkConstants,
  checkPlan,
  describeRemoval,
  frozenAt,
  plan,
  type Removal,
  type StdAverages,
} from "./recipe/plan.js";
export {
  controlSteps,
  type ConstantsRecipe,
  type FailsOnSink,
  type FixedPace,
  type Pace,
  type RemovalLoss,
  removalLosses,
  type RemovalRecipe,
  specialConstants,
  type SpecialConstants,
  type TaperPace,
} from "./recipe/recipe.js";
export { distilledRecipe, removalRecipes } from "./recipes/index.js";
export { COST_SEQUENCES, NO_NUMBER } from "./removing/cost.js";
export type { RemovalState, TaperState } from "./removing/index.js";
export type { RunInput } from "./run/given.js";
export { removeLayerNorm } from "./run/run.js";
export { describePace, removalNotes, scaleRecipe } from "./recipe/scale-recipe.js";
export {
  describeSites,
  type Extent,
  extentOf,
  matchSites,
  type PlannedModel,
  sitesToGo,
} from "./recipe/sites.js";
export type { RunState } from "./state.js";
export { worstSpike } from "./worst-spike.js";
export { measureForTaper, measureStds, stdsOf, taperSumsOf } from "./removing/measuring.js";
