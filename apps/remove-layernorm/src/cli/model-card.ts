/** The README.md of a model that a run wrote: where it comes from, how good it is, how to load it. */
import { describeControl, type RemovalRecipe, type Summary } from "../core/index.js";
import { type LnFreeForm, loading } from "./card-loading.js";
import { difference, thousands } from "./format.js";
import { baseModelLine, provenanceMarkdown } from "./provenance/markdown.js";
import type { EndedProvenance, Provenance } from "./provenance/schema.js";

export interface CardFacts {
  readonly recipe: RemovalRecipe;
  readonly validation: Summary["validation"];
  readonly validationTokens: number;
  readonly provenance: EndedProvenance;
}

export function modelCard(form: LnFreeForm, facts: CardFacts): string {
  const { recipe, validation, validationTokens, provenance } = facts;
  const { original, control } = validation;
  const baseModel = baseNameOf(provenance);
  const row = (name: string, loss: number) => {
    const toControl = control === undefined ? "" : ` ${difference(loss - control)} |`;
    return `| ${name} | ${loss.toFixed(4)} | ${difference(loss - original)} |${toControl}`;
  };
  return `---
library_name: ${form === "gpt2" ? "transformers" : "normless"}
${baseModelLine(provenance)}tags: [gpt2, layernorm-free, interpretability]
---

# ${baseModel} without LayerNorm

\`${baseModel}\` fine-tuned by [normless](https://www.npmjs.com/package/normless) while its LayerNorms were removed one by
one, after Heimersheim 2024 (arXiv 2409.13710) and Baroni et al. 2025 (arXiv 2507.02559).

${loading(form, form === "gpt2" ? "ln-free-gpt2" : "ln-free")}

## Loss

Mean nats a token on ${thousands(validationTokens)} validation tokens. ${
    describeControl(recipe) ??
    `The model was trained to predict what
the original predicts (distillation), not the text's next tokens.`
  }

| model | loss | to original |${control === undefined ? "" : " to control |"}
| --- | --- | --- |${control === undefined ? "" : " --- |"}
${row("original", original)}
${control === undefined ? "" : `${row("control", control)}\n`}${row("LN-free (frozen)", validation.frozen)}
${row("LN-free (folded)", validation.folded)}

${recipeMarkdown(recipe)}
${provenanceMarkdown(provenance, recipe)}`;
}

export interface ControlCardFacts {
  readonly recipe: RemovalRecipe;
  /** Nats a token. */
  readonly validation: Readonly<Record<"original" | "control", number>>;
  readonly validationTokens: number;
  readonly provenance: Provenance;
}

/** Of the control, which is written when it is trained: its run goes on. */
export function controlCard({ recipe, validation, validationTokens, provenance }: ControlCardFacts): string {
  const baseModel = baseNameOf(provenance);
  const { original, control } = validation;
  return `---
library_name: transformers
${baseModelLine(provenance)}tags: [gpt2]
---

# A control for ${baseModel} without LayerNorm

\`${baseModel}\` fine-tuned by [normless](https://www.npmjs.com/package/normless) with its LayerNorms in place: what a model
that lost them in the same training (\`ln-free\` beside this folder) is held against. ${describeControl(recipe) ?? ""}

It is a GPT-2 as any other:

\`\`\`python
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("control")
\`\`\`

## Loss

Mean nats a token on ${thousands(validationTokens)} validation tokens.

| model | loss | to original |
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

function recipeMarkdown(recipe: RemovalRecipe): string {
  const { name, steps, batchSize, blockSize } = recipe;
  return `## Recipe

${name}: ${steps} updates of ${batchSize} sequences of ${blockSize} tokens (${thousands(steps * batchSize * blockSize)} tokens).

\`\`\`json
${JSON.stringify(recipe, undefined, 2)}
\`\`\`
`;
}
