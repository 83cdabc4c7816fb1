/** The results as one HTML page that needs no network and runs no script; its figures are inside it as JSON. */
import { goalsOf, isMet } from "../results/goals.js";
import type { Results, SuiteName } from "../results/results.js";
import { goalTable, machineLine, QUICK, suiteTable, type Table, titles } from "../results/text.js";
import { barStyle } from "./bars.js";
import { growthCharts, memoryChart, productChart, stepChart } from "./charts.js";
import { type Html, html, jsonElement, rawText, reportStyle } from "./kit.js";

const pageStyle = `
.data { font-size: 0.85rem; }
.data td, .data thead th:not(:first-child) { padding-left: 1rem; }
.data td:nth-child(2), .data th:nth-child(2) { text-align: left; }
.data tbody :is(th, td) { padding-block: 0.3rem; }
.scroll { overflow-x: auto; }
.goals td { white-space: nowrap; }
.goals tr.missed td:last-child { color: var(--removal); font-weight: 600; }
.warning { --tone: var(--removal); margin-top: 1.5rem; }
`;

export function renderPage(results: Results): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <title>normless, measured</title>
        <style>
          ${rawText(reportStyle + barStyle + pageStyle)}
        </style>
      </head>
      <body>
        <header>
          <h1>normless, measured</h1>
          <p class="about">${machineLine(results)}</p>
          <p class="about">
            Medians of runs in turns, in one go; what is compared was checked before it was timed.
          </p>
          ${results.quick ? html`<p class="card warning">${QUICK}</p>` : undefined}
        </header>
        <main>
          ${section("Goals", goals(results))} ${section(titles.kernels, productChart(results))}
          ${section(titles.steps, stepChart(results))} ${section("Memory of a step", memoryChart(results))}
          ${section(titles.scaling, growthCharts(results))}
          ${tabled.map((name) => section(titles[name], dataTable(suiteTable(results, name))))}
        </main>
        <footer>
          Every figure of this page is inside it, as JSON:
          <code>JSON.parse(document.getElementById("results").textContent)</code>
        </footer>
        ${jsonElement("results", results)}
      </body>
    </html> `;
  return page.text;
}

/** Suites that say it best in a table. */
const tabled: readonly SuiteName[] = [
  "profile",
  "transposes",
  "ops",
  "primitives",
  "latency",
  "generation",
  "io",
  "removal",
];

function section(title: string, content: Html | undefined): Html | undefined {
  return (
    content &&
    html`<section>
      <h2>${title}</h2>
      ${content}
    </section>`
  );
}

function goals(results: Results): Html | undefined {
  const all = goalsOf(results);
  const measured = all.filter((goal) => isMet(goal) !== undefined);
  if (measured.length === 0) return undefined;
  return html`<div class="scroll">
      <table class="data goals">
        <tbody>
          ${goalTable(results).rows.map(([name, asked, value, verdict]) => {
            return html`<tr class="${verdict || "open"}">
              <th scope="row">${name}</th>
              <td>${asked}</td>
              <td>${value}</td>
              <td>${verdict}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
    <p class="caption">
      ${measured.filter(isMet).length} of ${measured.length} measured goals are
      met${
        measured.length < all.length ? `; ${all.length - measured.length} were not measured in this run` : ""
      }.
    </p>`;
}

function dataTable(table: Table | undefined): Html | undefined {
  if (!table) return undefined;
  const plain = (text: string) => text.replaceAll("\`", "");
  return html`<div class="scroll">
      <table class="data">
        <thead>
          <tr>
            ${table.head.map((cell) => html`<th scope="col">${cell}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${table.rows.map(([name, ...cells]) => {
            return html`<tr>
              <th scope="row">${plain(name)}</th>
              ${cells.map((cell) => html`<td>${cell}</td>`)}
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
    <p class="caption">${plain(table.note)}</p>`;
}
