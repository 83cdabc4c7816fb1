/** The README.md of a model that a run wrote: where it comes from, how good it is, how to load it. */
import { type ChangeEvent, describeChanges, type PlanEvent, type Summary } from "../core/index.js";
import { type LnFreeForm, loading, partlyLoading } from "./card-loading.js";
import { extentRows, isWhole, resultName, withoutLayerNorm } from "./extent.js";
import { difference, thousands } from "./format.js";
import { LN_FREE, PARTLY, STOCK } from "./run-files.js";

export interface CardFacts {
  readonly baseModel: string;
  readonly plan: Pick<PlanEvent, "recipe" | "config" | "sites" | "validationTokens">;
  readonly validation: Summary["validation"];
  /** What a run that went on was told to do otherwise. */
  readonly changes: readonly ChangeEvent[];
}

export function modelCard(form: LnFreeForm, facts: CardFacts): string {
  const { baseModel, plan, validation, changes } = facts;
  const { recipe, validationTokens, sites } = plan;
  const name = resultName(sites);
  const { original, control } = validation;
  const row = (name: string, loss: number) => {
    const toControl = control === undefined ? "" : ` ${difference(loss - control)} |`;
    return `| ${name} | ${loss.toFixed(4)} | ${difference(loss - original)} |${toControl}`;
  };
  const tokens = recipe.steps * recipe.batchSize * recipe.blockSize;
  return `---
library_name: ${form === "gpt2" ? "transformers" : "normless"}
tags: [gpt2, ${isWhole(sites) ? "layernorm-free, " : ""}interpretability]
---

# ${baseModel} ${withoutLayerNorm(sites)}

\`${baseModel}\` fine-tuned by [normless](https://www.npmjs.com/package/normless) while ${isWhole(sites) ? "its" : "some of its"} LayerNorms were removed, after
Heimersheim 2024 (arXiv 2409.13710) and Baroni et al. 2025 (arXiv 2507.02559).
${extentRows(plan)
  .map(([row, which]) => `\n- ${row}: ${which}`)
  .join("")}

${isWhole(sites) ? loading(form, form === "gpt2" ? STOCK : LN_FREE) : partlyLoading(PARTLY)}

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
${control === undefined ? "" : `${row("control", control)}\n`}${row(`${name} (frozen)`, validation.frozen)}
${row(`${name} (folded)`, validation.folded)}

## Recipe

${recipe.name}: ${recipe.steps} updates of ${recipe.batchSize} sequences of ${recipe.blockSize} tokens (${thousands(tokens)} tokens).
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
