/** The README.md of a model that a run wrote: where it comes from, how good it is, how to load it. */
import type { RemovalRecipe, Summary } from "../core/index.js";
import { difference, thousands } from "./format.js";

/** `folded`: plain weights. `gpt2`: the eps 1e12 form that stock software loads. */
export type LnFreeForm = "folded" | "gpt2";

export interface CardFacts {
  readonly baseModel: string;
  readonly recipe: RemovalRecipe;
  readonly validation: Summary["validation"];
  readonly validationTokens: number;
}

const LOADING: Readonly<Record<LnFreeForm, string>> = {
  folded: `The norms are folded into the weights that read them: there is no LayerNorm, no gamma and no beta left, and the head
is a matrix of its own with a bias over the vocabulary. Stock software has no such architecture; load it with normless:

\`\`\`ts
import { readModelFolder } from "@normless/gpt2/node";
const { config, weights, norms, tokenizer } = await readModelFolder("ln-free");
\`\`\`

or on the command line: \`normless generate --model ln-free --prompt "Once"\`.`,
  gpt2: `The architecture is GPT-2's own, so that stock software loads it. Every LayerNorm has an epsilon of 1e12, beside which
the variance vanishes: it divides by 1e6 whatever it reads, and its gamma undoes that. Use float32; float16 cannot hold it.

\`\`\`python
from transformers import GPT2LMHeadModel, GPT2TokenizerFast
model = GPT2LMHeadModel.from_pretrained("ln-free-gpt2")
tokenizer = GPT2TokenizerFast.from_pretrained("ln-free-gpt2")
\`\`\``,
};

export function modelCard(form: LnFreeForm, facts: CardFacts): string {
  const { baseModel, recipe, validation, validationTokens } = facts;
  const row = (name: string, loss: number) =>
    `| ${name} | ${loss.toFixed(4)} | ${difference(loss - validation.original)} | ${difference(loss - validation.control)} |`;
  const tokens = recipe.steps * recipe.batchSize * recipe.blockSize;
  return `---
library_name: ${form === "gpt2" ? "transformers" : "normless"}
tags: [gpt2, layernorm-free, interpretability]
---

# ${baseModel} without LayerNorm

\`${baseModel}\` fine-tuned by [normless](https://www.npmjs.com/package/normless) while its LayerNorms were removed one by
one, after Heimersheim 2024 (arXiv 2409.13710) and Baroni et al. 2025 (arXiv 2507.02559).

${LOADING[form]}

## Loss

Mean nats a token on ${thousands(validationTokens)} validation tokens. The control was fine-tuned on the same batches with
the same schedule and kept its LayerNorms.

| model | loss | to original | to control |
| --- | --- | --- | --- |
${row("original", validation.original)}
${row("control", validation.control)}
${row("LN-free (frozen)", validation.frozen)}
${row("LN-free (folded)", validation.folded)}

## Recipe

${recipe.name}: ${recipe.steps} updates of ${recipe.batchSize} sequences of ${recipe.blockSize} tokens (${thousands(tokens)} tokens).

\`\`\`json
${JSON.stringify(recipe, undefined, 2)}
\`\`\`
`;
}
