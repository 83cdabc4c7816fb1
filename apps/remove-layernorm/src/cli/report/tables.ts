/** What is told in words and tables: what the models write, every removal, the recipe, how the run was run. */
import type { KindSchedule } from "../../core/recipe.js";
import type { ReportData } from "./data.js";
import { bytes, compact, count, duration } from "./format.js";
import { type Html, html } from "./html.js";
import { kindOf, kinds, nameOf } from "./kinds.js";

type Row = readonly [name: string, value: string];

function table(rows: readonly Row[]): Html {
  return html`<table class="facts">
    <tbody>
      ${rows.map(
        ([name, value]) =>
          html`<tr>
            <th scope="row">${name}</th>
            <td>${value}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** Both models' words after the same prompts. Nothing when the run wrote none. */
export function samples({ samples }: ReportData): Html | undefined {
  const prompts = [...new Set(samples.map(({ prompt }) => prompt))];
  if (prompts.length === 0) return undefined;
  const card = (prompt: string, model: "original" | "folded", name: string) => {
    const sample = samples.find((one) => one.prompt === prompt && one.model === model);
    return html`<div class="card ${model}">
      <h3><i class="dot"></i>${name}</h3>
      <pre><b>${prompt}</b>${sample?.text ?? "…"}</pre>
    </div>`;
  };
  return html`${prompts.map(
    (prompt) =>
      html`<div class="row two">
        ${card(prompt, "original", "Original")} ${card(prompt, "folded", "LN-free, folded")}
      </div>`,
  )}`;
}

/** Every removal in order, with the constants that a frozen norm divides by from then on. */
export function removalTable({ removals }: ReportData): Html {
  const rows = removals.map(({ step, removal, std }) => {
    const constant = (value: number | undefined) => (value === undefined ? "—" : compact(value));
    return html`<tr>
      <td>${step}</td>
      <th scope="row" class="${kinds[kindOf(removal)].tone}"><i class="dot"></i>${nameOf(removal)}</th>
      <td>${constant(std?.first)}</td>
      <td>${constant(std?.eot)}</td>
      <td>${constant(std?.rest)}</td>
    </tr>`;
  });
  return html`<details>
    <summary>All ${removals.length} removals, with the constants that took the place of the std</summary>
    <table class="figures removals">
      <thead>
        <tr>
          <th scope="col">after step</th>
          <th scope="col">what</th>
          <th scope="col">first</th>
          <th scope="col">eot</th>
          <th scope="col">rest</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </details>`;
}

export function recipeTable({ plan: { recipe } }: ReportData): Html {
  const { schedule, learningRate: rate } = recipe;
  const each = ({ start, gap }: KindSchedule) => `from step ${start}, one every ${gap}`;
  const micro = recipe.microBatchSize === recipe.batchSize ? "" : `, ${recipe.microBatchSize} at a time`;
  return html`<div class="row two">
    ${table([
      ["recipe", recipe.name],
      ["updates", `${count(recipe.steps)} each, control and removal`],
      ["batch", `${recipe.batchSize} sequences of ${recipe.blockSize} tokens${micro}`],
      ["learning rate", `${compact(rate.peak)} to ${compact(rate.floor)}, cosine over ${rate.totalSteps}`],
      ["warm-up", `${rate.warmupSteps} updates`],
      ["AdamW", `β₁ ${recipe.beta1}, β₂ ${recipe.beta2}, ε ${compact(recipe.adamEps)}`],
      ["weight decay", compact(recipe.weightDecay)],
    ])}
    ${table([
      ["gradient clipped to", compact(recipe.maxNorm)],
      ["auxiliary loss", `λ = ${compact(recipe.auxiliaryWeight)}, removal alone`],
      ["ln_2", each(schedule.ln_2)],
      ["ln_1, query/key", each(schedule["ln_1:qk"])],
      ["ln_1, value", each(schedule["ln_1:v"])],
      ["ln_f", `step ${schedule.ln_f}`],
      ["constants dropped", `end-of-text at ${schedule.eot}, first position at ${schedule.first}`],
      ["seed", String(recipe.seed)],
    ])}
  </div>`;
}

export function runTable({ plan, fold, summary }: ReportData): Html {
  const { config } = plan;
  const resumed: Row[] = plan.resumedAt
    ? [["resumed", `in the ${plan.resumedAt.phase} phase, at step ${plan.resumedAt.step}`]]
    : [];
  const folded: Row[] = fold
    ? [["logits, folded against frozen", `${compact(fold.relativeDifference)} relative to the largest`]]
    : [];
  const { frozen, folded: foldedLoss } = summary.validation;
  return html`<div class="row two">
    ${table([
      ["backend", summary.backend],
      ["time", duration(summary.seconds)],
      ["trained on", `${count(summary.tokens)} tokens, both phases`],
      ["peak memory of tensors", bytes(summary.peakBytes)],
      ...resumed,
    ])}
    ${table([
      ["model", `${config.layers} layers, ${config.channels} channels, ${config.heads} heads`],
      ["vocabulary", `${count(config.vocabSize)} tokens`],
      ["training data", `${count(plan.trainTokens)} tokens`],
      ["validation data", `${count(plan.validationTokens)} tokens`],
      ["loss, folded minus frozen", `${compact(foldedLoss - frozen)} nats`],
      ...folded,
    ])}
  </div>`;
}
