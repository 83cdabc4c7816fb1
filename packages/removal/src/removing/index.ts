/** The removal that a recipe's pace asks for. */
import { FixedRemoving } from "./fixed.js";
import type { RemovalContext, Removing } from "./removing.js";
import { TaperRemoving } from "./taper.js";

export { updateScale } from "./taper.js";
export type { Removing } from "./removing.js";
export type { RemovalState, TaperState } from "./state.js";

/** The removal that the recipe's pace asks for, from `context.state` on. */
export function startRemoving(context: RemovalContext): Removing {
  const { pace } = context.recipe;
  switch (pace.kind) {
    case "fixed":
      return new FixedRemoving(context);
    case "taper":
      return new TaperRemoving(context, pace);
  }
}
