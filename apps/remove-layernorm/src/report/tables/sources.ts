/** Where the run comes from: model, data, code, machine, dates, the recipe whole, and the command that repeats it. */
import { RECIPE_FILE } from "../../provenance/command.js";
import { dateFacts, type Fact, processFacts, sourceFacts } from "../../provenance/facts.js";
import { commandsOf, needsFile } from "../../provenance/markdown.js";
import type { ReportData } from "../data.js";
import { type Html, html } from "../page/html.js";

export function sourceSection({ provenance, plan: { recipe } }: ReportData): Html {
  const facts = [...sourceFacts(provenance, recipe), ...processFacts(provenance), ...dateFacts(provenance)];
  const file = needsFile(provenance) ? `, with the recipe below as ${RECIPE_FILE}` : "";
  return html`${sourceTable(facts)}
    <p class="caption">To do it again${file}:</p>
    <pre class="command">${commandsOf(provenance)}</pre>
    <details>
      <summary>The recipe whole, as JSON</summary>
      <pre>${JSON.stringify(recipe, undefined, 2)}</pre>
    </details>`;
}

/** Long values, hashes among them: names and values to the left. */
export function sourceTable(facts: readonly Fact[]): Html {
  return html`<table class="facts sources">
    <tbody>
      ${facts.map(
        ([name, value]) =>
          html`<tr>
            <th scope="row">${name}</th>
            <td>${value}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
