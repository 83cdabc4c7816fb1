/** The report: one HTML page that needs no network and runs no script. */
import type { ReportData } from "./data.js";
import { html, jsonElement } from "./html.js";
import { resultSentence, resultTable } from "./result.js";

/** A whole page, from a finished run's events. */
export function renderReport(data: ReportData): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>LayerNorm, removed</title>
      </head>
      <body>
        <h1>LayerNorm, removed</h1>
        <p>${resultSentence(data.summary)}</p>
        ${resultTable(data.summary)} ${jsonElement("run", data)}
      </body>
    </html> `;
  return page.text;
}
