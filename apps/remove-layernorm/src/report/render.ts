/**
 * The report: one HTML page that needs no network and runs no script. Its content policy forbids both, so that what
 * a model wrote can do nothing even if an escape were missed.
 */
import { describeFirstPosition, describeSites, sinkWarning } from "@normless/removal";
import { isWhole, resultName } from "../terminal/extent.js";
import type { ReportData } from "./data.js";
import { type Html, html, jsonElement, rawText } from "./html.js";
import { lookSection } from "./look-charts.js";
import { positionSection } from "./position-charts.js";
import { sourceSection } from "./provenance.js";
import { headline, resultTable, unfinishedNote } from "./result.js";
import { stdCharts } from "./std-charts.js";
import { style } from "./style.js";
import { recipeTable, removalTable, runTable, samples } from "./tables.js";
import { auxiliaryChart, gradientChart, learningRateChart, lossChart } from "./training-charts.js";

/** A whole page, from what a run has written so far. What it did not measure has no section. */
export function renderReport(data: ReportData): string {
  const { recipe, config, sites } = data.plan;
  const norms = sites.going.length;
  const title = titleOf(data);
  const how = recipe.pace.kind === "taper" ? " all together, by a taper," : inTurn(data);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <title>${title}</title>
        <style>
          ${rawText(style)}
        </style>
      </head>
      <body>
        <header>
          <h1>${title}</h1>
          <p class="about">
            GPT-2 with ${config.layers} layers of ${config.channels} channels: ${norms} norms
            ${data.summary ? "taken out" : "to be taken out"},${how} in a run of ${recipe.steps}
            updates${left(data)}
          </p>
          <p class="headline">${headline(data)}</p>
          ${sinkNote(data)} ${unfinishedNote(data)}
        </header>
        <main>
          ${resultTable(data)} ${section("By position", positionsOf(data))}
          ${section("The loss, step by step", lossSection(data))} ${section("On the way", lookSection(data))}
          ${section("The std at every norm", stdCharts(data))}
          ${section("What the models write", samples(data))}
          ${section("Gradients and learning rate", gradientSection(data))}
          ${section("The recipe", recipeTable(data))} ${section("How it was run", runTable(data))}
          ${section("Where it comes from", sourceSection(data))}
        </main>
        <footer>
          Every figure of this page is inside it, as JSON:
          <code>JSON.parse(document.getElementById("run").textContent)</code>
        </footer>
        ${jsonElement("run", data)}
      </body>
    </html> `;
  return page.text;
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

function section(title: string, content: Html | undefined): Html | undefined {
  return (
    content &&
    html`<section>
      <h2>${title}</h2>
      ${content}
    </section>`
  );
}
