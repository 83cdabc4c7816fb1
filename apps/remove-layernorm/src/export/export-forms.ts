/** The forms that an LN-free model is written in, and how a model gets there. */
import {
  centreWriters as centre,
  foldModel,
  type HostModel,
  isFolded,
  toEps1e12,
  type WeightNames,
} from "@normless/gpt2";
import { UsageError } from "../errors.js";

export const EXPORT_FORMS = ["folded", "gpt2", "transformer-lens"] as const;
export type ExportForm = (typeof EXPORT_FORMS)[number];

export interface Converted {
  readonly model: HostModel;
  readonly names: WeightNames;
}

/** @throws UsageError or Error naming the site whose norm does not go into the form, and the way out. */
export function convert(
  model: HostModel,
  form: ExportForm,
  { centreWriters }: { readonly centreWriters: boolean },
): Converted {
  if (form === "gpt2") {
    if (!isFolded(model.norms)) return { model: toEps1e12(model), names: "transformers" };
    throw new UsageError(
      "the model's norms are folded: its head has a bias over the vocabulary, for which a GPT2LMHeadModel has no " +
        "place. Export from the model as it was before the fold, or take --form folded",
    );
  }
  const folded = foldModel(model);
  return {
    model: centreWriters ? centre(folded) : folded,
    names: form === "transformer-lens" ? form : "transformers",
  };
}
