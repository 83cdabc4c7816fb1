/** Whether a model has the norms that are to be removed, told of every form that an LN-free model has. */
import { describeLayout, type LoadedModel, sitesWithoutNorm, withFrozenNames } from "@normless/gpt2";
import { UsageError } from "./errors.js";

/** Sites that are named one by one. */
const NAMED = 4;

/** @throws UsageError when a model has lost norms already, saying how many, in what form it is, and what to do instead. */
export function checkHasNorms(name: string, model: Pick<LoadedModel, "norms" | "layout">): void {
  const gone = sitesWithoutNorm(model);
  const all = Object.keys(model.norms).length;
  if (gone.length === 0) return;
  const form = describeLayout(model.layout);
  const instead = "A removal starts from a model with LayerNorms: give the one that this was made from";
  const { norms } = withFrozenNames(model);
  if (gone.length < all) {
    const shown = gone.slice(0, NAMED).map((site) => `${site} is ${norms[site].kind}`);
    const more = gone.length > NAMED ? `, and ${gone.length - NAMED} more` : "";
    const are = gone.length === 1 ? "is" : "are";
    throw new UsageError(
      `${name}: ${gone.length} of its ${all} norms ${are} gone already (${shown.join(", ")}${more}; ${form}). ${instead}`,
    );
  }
  const kinds = [...new Set(Object.values(norms).map(({ kind }) => kind))].join(" or ");
  throw new UsageError(
    `${name} is LN-free already: all ${all} of its norms are ${kinds} (${form}). ${instead}. ` +
      "This one can be measured (normless eval, compare, attribute) and written in other forms (export)",
  );
}
