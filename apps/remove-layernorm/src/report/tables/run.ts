/** What is told in words and tables: what the models write, every removal, the recipe, how the run was run. */
import {
  type ConstantsRecipe,
  COST_SEQUENCES,
  describeChanges,
  describePace,
  laterAttention,
  NO_NUMBER,
  type Pace,
  type RemovalRecipe,
} from "@normless/removal";
import { describeRows } from "@normless/train";
import { extentRows, resultName } from "../../terminal/extent.js";
import type { ReportData } from "../data.js";
import { bytes, compact, count, duration } from "../page/format.js";
import { type Html, html } from "../page/html.js";
import { kindOf, kinds, nameOf } from "../charts/kinds.js";

type Row = readonly [name: string, value: string];

export function table(rows: readonly Row[]): Html {
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
export function samples({ plan: { sites }, samples }: ReportData): Html | undefined {
  const prompts = [...new Set(samples.map(({ prompt }) => prompt))];
  if (prompts.length === 0) return undefined;
  const card = (prompt: string, model: "original" | "folded", name: string) => {
    const sample = samples.find((one) => one.prompt === prompt && one.model === model);
    if (!sample) return undefined;
    return html`<div class="card ${model}">
      <h3><i class="dot"></i>${name}</h3>
      <pre><b>${prompt}</b>${sample.text}</pre>
    </div>`;
  };
  return html`${prompts.map(
    (prompt) =>
      html`<div class="row two">
        ${card(prompt, "original", "Original")} ${card(prompt, "folded", `${resultName(sites)}, folded`)}
      </div>`,
  )}`;
}

/** Every removal in order, with the constants that a frozen norm divides by from then on. */
export function removalTable({ plan: { recipe }, removals }: ReportData): Html | undefined {
  if (removals.length === 0) return undefined;
  const measured = removals.some(({ damage }) => damage !== undefined);
  const figure = (value: number | undefined) =>
    value === undefined ? "—" : value === NO_NUMBER ? "no number" : compact(value);
  const rows = removals.map(({ step, removal, std, damage }) => {
    return html`<tr>
      <td>${step}</td>
      <th scope="row" class="${kinds[kindOf(removal)].tone}"><i class="dot"></i>${nameOf(removal)}</th>
      ${measured ? html`<td>${figure(damage)}</td>` : undefined}
      <td>${figure(std?.first)}</td>
      <td>${figure(std?.eot)}</td>
      <td>${figure(std?.rest)}</td>
    </tr>`;
  });
  return html`<details>
    <summary>All ${removals.length} removals, with the constants that took the place of the std</summary>
    <table class="figures removals">
      <thead>
        <tr>
          <th scope="col">after step</th>
          <th scope="col">what</th>
          ${measured ? html`<th scope="col">cost, nats</th>` : undefined}
          <th scope="col">first</th>
          <th scope="col">eot</th>
          <th scope="col">rest</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
    ${measured ? html`<p class="caption">${costCaption(recipe)}</p>` : undefined}
  </details>`;
}

function costCaption({ loss }: ReportData["plan"]["recipe"]): string {
  const trained = `the loss that the run trains on${loss === "distillation" ? ", KL from the original" : ", cross-entropy"}`;
  return (
    `Cost: nats a token that the loss rises by at once, on ${COST_SEQUENCES} sequences of the coming batch, in ` +
    `${trained}; of several at one step, each is measured with those before it gone. What training makes good ` +
    "afterwards is in the chart."
  );
}

export function recipeTable({ plan, changes }: ReportData): Html {
  const { recipe } = plan;
  const { pace, constants, learningRate: rate } = recipe;
  const distilled = recipe.loss === "distillation";
  const micro = recipe.microBatchSize === recipe.batchSize ? "" : `, ${recipe.microBatchSize} at a time`;
  return html`<div class="row two">
      ${table([
        ["recipe", recipe.name],
        ["updates", distilled ? count(recipe.steps) : `${count(recipe.steps)} each, control and removal`],
        ["loss", distilled ? "KL from the original’s prediction" : "cross-entropy of the text"],
        ["batch", `${recipe.batchSize} sequences of ${recipe.blockSize} tokens${micro}`],
        ["rows", describeRows(recipe)],
        ["head", recipe.untieHead ? "trained apart from the embedding" : "as the model has it"],
        ["learning rate", `${compact(rate.peak)} to ${compact(rate.floor)}, cosine over ${rate.totalSteps}`],
        ["warm-up", `${rate.warmupSteps} updates`],
        [
          "AdamW",
          `β₁ ${recipe.beta1}, β₂ ${recipe.beta2}, ε ${compact(recipe.adamEps)}, moments in ${recipe.moments}`,
        ],
        ["weight decay", compact(recipe.weightDecay)],
      ])}
      ${table([
        ["gradient clipped to", compact(recipe.maxNorm)],
        ["auxiliary loss", describeAuxiliary(recipe)],
        ["pace", describePace(pace)],
        ["constants", describeConstants(pace, constants)],
        ["seed", String(recipe.seed)],
        ...extentRows(plan),
      ])}
    </div>
    ${changes.map(
      ({ phase, step, changes }) =>
        html`<p class="caption">
          The recipe as it ended; from update ${step + 1} of the ${phase} on: ${describeChanges(changes)}.
        </p>`,
    )}
    <p class="caption">${recipe.source}</p>`;
}

function describeAuxiliary({ auxiliaryWeight, controlAuxiliary, loss }: RemovalRecipe): string {
  if (auxiliaryWeight === 0) return "none";
  const lambda = `λ = ${compact(auxiliaryWeight)}`;
  if (loss === "distillation") return lambda;
  return controlAuxiliary ? `${lambda}, removal and control` : `${lambda}, removal alone`;
}

function describeConstants(pace: Pace, { from, special, shareQkv }: ConstantsRecipe): string {
  if (pace.kind === "taper")
    return `calibrated up to step ${pace.begin}, moving mean keeps ${compact(pace.keep)}`;
  const measured =
    from.kind === "training"
      ? `moving mean in training, keeps ${compact(from.keep)} a micro-batch`
      : `measured on the original, on ${from.sequences} sequences`;
  return `${measured}; special tokens: ${special}${shareQkv ? "; query/key and value share one" : ""}`;
}

export function runTable(data: ReportData): Html {
  const { plan, fold, firstPositions, summary, provenance } = data;
  const { config } = plan;
  const ended: Row[] = summary
    ? [
        ["time", duration(summary.seconds)],
        ["trained on", `${count(summary.tokens)} tokens`],
        ["peak memory of tensors", bytes(summary.peakBytes)],
      ]
    : [];
  const folded: Row[] = fold
    ? [["logits, folded against frozen", `${compact(fold.relativeDifference)} relative to the largest`]]
    : [];
  const { original, frozen } = firstPositions;
  const seen = [original, frozen].flatMap((event) => event ?? []);
  const ratios = seen.map(({ ratio }) => compact(ratio)).join(" before and ");
  const shares = seen.map(({ attention }) => compact(laterAttention(attention))).join(" before and ");
  const after = frozen ? " after" : "";
  const first: Row[] = original
    ? [
        ["first position", `std ${ratios}${after}, times that of the rest at the middle layers`],
        ["attention to it", `${shares}${after}, mean of the later half of the layers`],
      ]
    : [];
  const probed: Row[] =
    summary && summary.probedTokens > 0
      ? [["looked at to measure removals", `${count(summary.probedTokens)} tokens, forwards alone`]]
      : [];
  return html`<div class="row two">
    ${table([["engine", provenance.processes.at(-1)?.engine ?? ""], ...ended, ...probed])}
    ${table([
      ["model", `${config.layers} layers, ${config.channels} channels, ${config.heads} heads`],
      ...first,
      ["vocabulary", `${count(config.vocabSize)} tokens`],
      ["training data", `${count(plan.trainTokens)} tokens`],
      ["validation data", `${count(plan.validationTokens)} tokens`],
      ...folded,
    ])}
  </div>`;
}
