/** The README.md of a model that a run wrote: where it comes from, how good it is, how to load it. */
import {
  type ChangeEvent,
  describeChanges,
  describeControl,
  type PlanEvent,
  type RemovalRecipe,
  type Summary,
} from "@normless/removal";
import { type LnFreeForm, loading, partlyLoading } from "../export/card-loading.js";
import { extentRows, isWhole, resultName, withoutLayerNorm } from "../terminal/extent.js";
import { difference, thousands } from "../terminal/format.js";
import { baseModelLine, provenanceMarkdown } from "../provenance/markdown.js";
import type { EndedProvenance, Provenance } from "../provenance/schema.js";
import { CONTROL, LN_FREE, PARTLY, STOCK } from "../run-folder/run-files.js";

export interface CardFacts {
  readonly plan: Pick<PlanEvent, "recipe" | "config" | "sites" | "validationTokens">;
  readonly validation: Summary["validation"];
  readonly provenance: EndedProvenance;
  /** What a run that went on was told to do otherwise. */
  readonly changes: readonly ChangeEvent[];
}

export function modelCard(form: LnFreeForm, facts: CardFacts): string {
  const { plan, validation, provenance, changes } = facts;
  const { recipe, validationTokens, sites } = plan;
  const name = resultName(sites);
  const { original, control } = validation;
  const baseModel = baseNameOf(provenance);
  const row = (name: string, loss: number) => {
    const toControl = control === undefined ? "" : ` ${difference(loss - control)} |`;
    return `| ${name} | ${loss.toFixed(4)} | ${difference(loss - original)} |${toControl}`;
  };
  return `---
library_name: ${form === "gpt2" ? "transformers" : "normless"}
${baseModelLine(provenance)}tags: [gpt2, ${isWhole(sites) ? "layernorm-free, " : ""}interpretability]
---

# ${baseModel} ${withoutLayerNorm(sites)}

\`${baseModel}\` fine-tuned by [normless](https://www.npmjs.com/package/normless) while ${isWhole(sites) ? "its" : "some of its"} LayerNorms were removed, after
Heimersheim 2024 (arXiv 2409.13710) and Baroni et al. 2025 (arXiv 2507.02559).
${extentRows(plan)
  .map(([row, which]) => `\n- ${row}: ${which}`)
  .join("")}

${isWhole(sites) ? loading(form, form === "gpt2" ? STOCK : LN_FREE) : partlyLoading(PARTLY)}

## Loss

Mean cross-entropy, in nats a token, on ${thousands(validationTokens)} validation tokens. ${
    describeControl(recipe) ??
    `The model was trained to predict what
the original predicts (distillation), not the text's next tokens.`
  }

| model | cross-entropy | to original |${control === undefined ? "" : " to control |"}
| --- | --- | --- |${control === undefined ? "" : " --- |"}
${row("original", original)}
${control === undefined ? "" : `${row("control", control)}\n`}${row(`${name} (frozen)`, validation.frozen)}
${row(`${name} (folded)`, validation.folded)}

${recipeMarkdown(recipe, changes)}
${provenanceMarkdown(provenance, recipe)}`;
}

export interface ControlCardFacts {
  readonly plan: CardFacts["plan"];
  /** Nats a token. */
  readonly validation: Readonly<Record<"original" | "control", number>>;
  readonly provenance: Provenance;
}

const STOCK_LOADING = `It is a GPT-2 as any other:

\`\`\`python
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("${CONTROL}")
\`\`\``;

/** Of the control, which is written when it is trained: its run goes on. */
export function controlCard({ plan, validation, provenance }: ControlCardFacts): string {
  const { recipe, sites, validationTokens } = plan;
  const baseModel = baseNameOf(provenance);
  const { original, control } = validation;
  const isStock = sites.gone.length === 0;
  return `---
library_name: ${isStock ? "transformers" : "normless"}
${baseModelLine(provenance)}tags: [gpt2]
---

# A control for ${baseModel} ${withoutLayerNorm(sites)}

\`${baseModel}\` fine-tuned by [normless](https://www.npmjs.com/package/normless) with its LayerNorms in place: what a model
that lost them in the same training (in the folder beside this one) is held against. ${describeControl(recipe) ?? ""}

${isStock ? STOCK_LOADING : partlyLoading(CONTROL)}

## Loss

Mean cross-entropy, in nats a token, on ${thousands(validationTokens)} validation tokens.

| model | cross-entropy | to original |
| --- | --- | --- |
| original | ${original.toFixed(4)} | ${difference(0)} |
| control | ${control.toFixed(4)} | ${difference(control - original)} |

${recipeMarkdown(recipe)}
${provenanceMarkdown(provenance, recipe)}`;
}

/** How the model is called that a run started from. */
function baseNameOf({ model }: Provenance): string {
  return model?.name ?? "a GPT-2";
}

function recipeMarkdown(recipe: RemovalRecipe, changes: readonly ChangeEvent[] = []): string {
  const { name, steps, batchSize, blockSize } = recipe;
  return `## Recipe

${name}: ${steps} updates of ${batchSize} sequences of ${blockSize} tokens (${thousands(steps * batchSize * blockSize)} tokens).
${changes
  .map(
    ({ phase, step, changes }) =>
      `From update ${step + 1} of the ${phase} on: ${describeChanges(changes)}.\n`,
  )
  .join("")}
\`\`\`json
${JSON.stringify(recipe, undefined, 2)}
\`\`\`
`;
}
