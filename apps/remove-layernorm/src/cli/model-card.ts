/** The README.md of a model that a run wrote: where it comes from, how good it is, how to load it. */
import type { RemovalRecipe, Summary } from "../core/index.js";
import { type LnFreeForm, loading } from "./card-loading.js";
import { difference, thousands } from "./format.js";

export interface CardFacts {
  readonly baseModel: string;
  readonly recipe: RemovalRecipe;
  readonly validation: Summary["validation"];
  readonly validationTokens: number;
}

export function modelCard(form: LnFreeForm, facts: CardFacts): string {
  const { baseModel, recipe, validation, validationTokens } = facts;
  const { original, control } = validation;
  const row = (name: string, loss: number) => {
    const toControl = control === undefined ? "" : ` ${difference(loss - control)} |`;
    return `| ${name} | ${loss.toFixed(4)} | ${difference(loss - original)} |${toControl}`;
  };
  const tokens = recipe.steps * recipe.batchSize * recipe.blockSize;
  return `---
library_name: ${form === "gpt2" ? "transformers" : "normless"}
tags: [gpt2, layernorm-free, interpretability]
---

# ${baseModel} without LayerNorm

\`${baseModel}\` fine-tuned by [normless](https://www.npmjs.com/package/normless) while its LayerNorms were removed one by
one, after Heimersheim 2024 (arXiv 2409.13710) and Baroni et al. 2025 (arXiv 2507.02559).

${loading(form, form === "gpt2" ? "ln-free-gpt2" : "ln-free")}

## Loss

Mean nats a token on ${thousands(validationTokens)} validation tokens. ${
    control === undefined
      ? `The model was trained to predict what
the original predicts (distillation), not the text's next tokens.`
      : `The control was fine-tuned on the same batches with
the same schedule and kept its LayerNorms.`
  }

| model | loss | to original |${control === undefined ? "" : " to control |"}
| --- | --- | --- |${control === undefined ? "" : " --- |"}
${row("original", original)}
${control === undefined ? "" : `${row("control", control)}\n`}${row("LN-free (frozen)", validation.frozen)}
${row("LN-free (folded)", validation.folded)}

## Recipe

${recipe.name}: ${recipe.steps} updates of ${recipe.batchSize} sequences of ${recipe.blockSize} tokens (${thousands(tokens)} tokens).

\`\`\`json
${JSON.stringify(recipe, undefined, 2)}
\`\`\`
`;
}
