/** The README.md of a model that `normless export` wrote: what it is, how to load it, how it was checked. */
import type { Gpt2Config, WeightDtype } from "@normless/gpt2";
import { lensLoading, loading } from "./card-loading.js";
import type { ExportForm } from "./export-forms.js";
import { difference, thousands } from "../terminal/format.js";

export interface ExportFacts {
  /** What it was made from, by its name or folder. */
  readonly source: string;
  readonly form: ExportForm;
  readonly dtype: WeightDtype;
  readonly centreWriters: boolean;
  readonly config: Gpt2Config;
  /** The folder's name. */
  readonly folder: string;
  readonly hasTokenizer: boolean;
  readonly checked: {
    readonly tokens: number;
    /** Nats a token of the source, and of what was read back. */
    readonly lossBefore: number;
    readonly lossAfter: number;
    /** max |Δ| / max of the logits of one sequence. */
    readonly logits: number;
  };
}

const TITLES: Readonly<Record<ExportForm, string>> = {
  folded: "folded into plain weights",
  gpt2: "for a stock GPT2LMHeadModel",
  "transformer-lens": "for TransformerLens",
};

export function exportCard(facts: ExportFacts): string {
  const { source, form, dtype, centreWriters, config, folder, hasTokenizer, checked } = facts;
  const { tokens, lossBefore, lossAfter, logits } = checked;
  const how = form === "transformer-lens" ? lensLoading(folder, config, hasTokenizer) : loading(form, folder);
  const centred = centreWriters
    ? "\nEverything that adds to the residual was centred: its mean over the channels is 0.\n"
    : "";
  return `---
library_name: ${form === "gpt2" ? "transformers" : form === "folded" ? "normless" : "transformer-lens"}
tags: [gpt2, layernorm-free, interpretability]
---

# ${source} without LayerNorm, ${TITLES[form]}

Written by \`normless export\` in ${dtype} from \`${source}\`.

${how}
${centred}
## Check

Read back from this folder, on ${thousands(tokens)} tokens: cross-entropy ${lossAfter.toFixed(6)} nats a token, and ${lossBefore.toFixed(6)}
before the export (${difference(lossAfter - lossBefore)}). Logits differ by at most ${logits.toExponential(1)} of the largest.
`;
}
