/** Whether a model has norms to remove, told of every form that an LN-free model has. */
import { describeLayout, type LoadedModel, sitesWithoutNorm, withFrozenNames } from "@normless/gpt2";
import { UsageError } from "../errors.js";

/** @throws UsageError when a model has lost all its norms, saying in what form it is, and what to do instead. */
export function checkHasNorms(name: string, model: Pick<LoadedModel, "norms" | "layout">): void {
  const gone = sitesWithoutNorm(model);
  const all = Object.keys(model.norms).length;
  // One that has lost some goes on with the rest.
  if (gone.length < all) return;
  const form = describeLayout(model.layout);
  const instead = "A removal starts from a model with LayerNorms: give the one that this was made from";
  const { norms } = withFrozenNames(model);
  const kinds = [...new Set(Object.values(norms).map(({ kind }) => kind))].join(" or ");
  throw new UsageError(
    `${name} is LN-free already: all ${all} of its norms are ${kinds} (${form}). ${instead}. ` +
      "This one can be measured (normless eval, compare, attribute), written in other forms (export) and trained as it " +
      "is (train --model)",
  );
}
