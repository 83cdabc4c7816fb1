/** The page of a run: what it cost, how it went, what it was made of. What was not measured has no section. */
import { describeFirstPosition, describeSites, sinkWarning } from "@normless/removal";
import { isWhole, resultName } from "../terminal/extent.js";
import type { ReportData } from "./data.js";
import { type Html, html } from "./page/html.js";
import { page, section } from "./page/page.js";
import { lookSection } from "./charts/looks.js";
import { positionSection } from "./charts/positions.js";
import { sourceSection } from "./tables/sources.js";
import { headline, resultTable, unfinishedNote } from "./tables/result.js";
import { stdCharts } from "./charts/stds.js";
import { recipeTable, removalTable, runTable, samples } from "./tables/run.js";
import { auxiliaryChart, gradientChart, learningRateChart, lossChart } from "./charts/training.js";

export function renderRun(data: ReportData): string {
  const { recipe, config, sites } = data.plan;
  const norms = sites.going.length;
  const how = recipe.pace.kind === "taper" ? " all together, by a taper," : inTurn(data);
  return page({
    title: titleOf(data),
    about: html`GPT-2 with ${config.layers} layers of ${config.channels} channels: ${norms} norms
    ${data.summary ? "taken out" : "to be taken out"},${how} in a run of ${recipe.steps} updates${left(data)}`,
    headline: headline(data),
    notes: html`${sinkNote(data)} ${unfinishedNote(data)}`,
    data,
    main: html`
      ${resultTable(data)} ${section("By position", positionsOf(data))}
      ${section("The loss, step by step", lossSection(data))} ${section("On the way", lookSection(data))}
      ${section("The std at every norm", stdCharts(data))} ${section("What the models write", samples(data))}
      ${section("Gradients and learning rate", gradientSection(data))}
      ${section("The recipe", recipeTable(data))} ${section("How it was run", runTable(data))}
      ${section("Where it comes from", sourceSection(data))}
    `,
  });
}

/** Only where the recipe is known to do badly on such a model. */
function sinkNote({ plan: { recipe }, firstPositions }: ReportData): Html | undefined {
  const { original: firstPosition } = firstPositions;
  const warning = firstPosition && sinkWarning(firstPosition, recipe);
  if (!firstPosition || warning === undefined) return undefined;
  return html`<p class="about">${describeFirstPosition(firstPosition)}. ${warning}.</p>`;
}

function titleOf({ plan: { sites }, summary }: ReportData): string {
  const what = summary ? "LayerNorm, removed" : "LayerNorm, being removed";
  return isWhole(sites) ? what : `${what}: ${resultName(sites)}`;
}

/** Of the folded model, where the run has come to it. */
function positionsOf({ evals, plan: { sites } }: ReportData): Html | undefined {
  const folded = evals.find(({ model }) => model === "folded");
  return folded && positionSection(folded.positions, { reference: "original", model: resultName(sites) });
}

function lossSection(data: ReportData): Html | undefined {
  if (data.steps.length === 0) return undefined;
  return html`${lossChart(data)} ${removalTable(data)}`;
}

function gradientSection(data: ReportData): Html | undefined {
  if (data.steps.length === 0) return undefined;
  return html`<div class="row two small">
    ${gradientChart(data)} ${learningRateChart(data)} ${auxiliaryChart(data)}
  </div>`;
}

const inTurn = ({ plan: { removals } }: ReportData) =>
  new Set(removals.map(({ step }) => step)).size > 1 ? " one after the other" : " all at once";

const left = ({ plan: { sites, config } }: ReportData) =>
  isWhole(sites) ? "" : `; ${sites.staying.length} stay: ${describeSites(sites.staying, config)}`;
