/** The page of `normless head`: pattern, QK and OV circuits as pictures. */
import type { Part } from "@normless/interpret";
import { partName, targetName } from "../../look-inside/attribution.js";
import type { HeadData } from "../../look-inside/head.js";
import { percent } from "../../terminal/format.js";
import { grid, gridScale, gridStyle } from "../charts/grid.js";
import { signedBars, signedBarStyle } from "../charts/signed-bars.js";
import { signed } from "../page/format.js";
import { type Html, html } from "../page/html.js";
import { page, section } from "../page/page.js";

/** Positions that a pattern shows at most, the last ones, and parts of a circuit, the largest. */
const POSITIONS = 64;
const PARTS = 24;

export function renderHead(data: HeadData, top: number): string {
  const { model, prompt, layer, head, query, tokens, keys, values, scores } = data;
  const seen = keys.reduce((a, b) => (b.attention > a.attention ? b : a));
  return page({
    title: `Head ${layer}.${head}`,
    about: html`${model}, on ${JSON.stringify(prompt)}`,
    headline: html`From ${query} ${tokens[query]} it looks most at ${seen.position} ${tokens[seen.position]},
      <strong>${percent(seen.attention)}</strong>, and adds ${signed(values.total)} to ${targetName(data)}.`,
    styles: gridStyle + signedBarStyle,
    data,
    main: html`
      ${section("Where every token looks", patternGrid(data))}
      ${section(`What it writes after ${tokens[query]}`, writes(data, top))}
      ${section(`Why it looks at ${scores.key} ${tokens[scores.key]}: QK`, scoreGrid(data))}
      ${section(`What it adds to ${targetName(data)}, and from where: OV`, valueGrid(data))}
    `,
  });
}

function patternGrid({ pattern, tokens }: HeadData): Html {
  const from = Math.max(0, tokens.length - POSITIONS);
  const shown = tokens.slice(from);
  return html`<figure>
    ${grid({
      ...{ id: "pattern", label: "Attention of every token to those before it", rows: shown, columns: shown },
      columnsTitle: "key",
      cells: shown.map((_, q) =>
        shown.map((_, k) => {
          if (k > q) return undefined;
          const share = pattern[from + q][from + k];
          return {
            shade: share,
            note: html`<b>${from + q} ${shown[q]}</b
              ><span>to ${from + k} ${shown[k]}: ${percent(share)}</span>`,
          };
        }),
      ),
    })}
    <figcaption>
      ${gridScale("100 %")} A row is a query, and its cells what it attends to.
      ${from === 0 ? undefined : html`The last ${POSITIONS} of ${tokens.length} positions.`} Point at a cell,
      or Tab to the picture and use the arrow keys.
    </figcaption>
  </figure>`;
}

function writes({ whole }: HeadData, top: number): Html {
  const rows = [...whole.most.slice(0, top), ...whole.least.slice(0, top).toReversed()];
  return html`${signedBars(
      "token",
      "logit over the mean",
      rows.map(({ text, logit }) => ({ name: text, value: logit, shown: signed(logit) })),
    )}
    <p class="caption">The tokens whose logits it raises and lowers most, over the mean of all logits.</p>`;
}

interface Chosen {
  readonly index: number;
  readonly name: string;
}

/** The parts with the largest amounts, in the order of the model. */
function largestParts(parts: readonly Part[], sizes: readonly number[]): Chosen[] {
  const order = parts.map((_, i) => i).sort((a, b) => sizes[b] - sizes[a]);
  const kept = new Set(order.slice(0, PARTS));
  return parts.flatMap((part, index) => (kept.has(index) ? [{ index, name: partName(part) }] : []));
}

const left = (parts: readonly Part[]) =>
  parts.length <= PARTS
    ? undefined
    : `The ${PARTS} parts with the largest amounts of ${parts.length}; the rest is in the page’s data.`;

function scoreGrid({ scores, tokens, query }: HeadData): Html {
  const { parts, pairs, score, key } = scores;
  const size = (row: readonly number[]) => row.reduce((sum, value) => sum + Math.abs(value), 0);
  const queries = largestParts(parts, pairs.map(size));
  const keys = largestParts(
    parts,
    parts.map((_, k) => size(pairs.map((row) => row[k]))),
  );
  const largest = Math.max(...pairs.flat().map(Math.abs));
  return html`<figure>
    ${grid({
      ...{ id: "scores", label: "The score by pairs of what wrote the residual at query and key" },
      rows: queries.map(({ name }) => name),
      columns: keys.map(({ name }) => name),
      columnsTitle: `written at the key, ${key} ${tokens[key]}`,
      cells: queries.map((q) =>
        keys.map((k) => ({
          shade: largest === 0 ? 0 : pairs[q.index][k.index] / largest,
          note: html`<b>${q.name} at ${query} ${tokens[query]}</b
            ><span>${k.name} at ${key} ${tokens[key]}</span><span>${signed(pairs[q.index][k.index])}</span>`,
        })),
      ),
    })}
    <figcaption>
      ${gridScale(signed(largest), signed(-largest))} Rows are what wrote the residual at the query. All pairs
      add up to the score, ${signed(score)}. ${exactness(scores)} ${left(parts)}
    </figcaption>
  </figure>`;
}

function valueGrid(data: HeadData): Html {
  const { parts, logits, total } = data.values;
  const sizes = parts.map((_, p) => logits.reduce((sum, row) => sum + Math.abs(row[p]), 0));
  const rows = largestParts(parts, sizes);
  const largest = Math.max(...logits.flat().map(Math.abs));
  return html`<figure>
    ${grid({
      ...{
        id: "values",
        label: `What the head adds to ${targetName(data)}, by key and what wrote the residual there`,
      },
      rows: rows.map(({ name }) => name),
      columns: logits.map((_, key) => data.tokens[key]),
      columnsTitle: "key",
      cells: rows.map(({ index, name }) =>
        logits.map((row, key) => ({
          shade: largest === 0 ? 0 : row[index] / largest,
          note: html`<b>${name} at ${key} ${data.tokens[key]}</b><span>${signed(row[index])}</span>`,
        })),
      ),
    })}
    <figcaption>
      ${gridScale(signed(largest), signed(-largest))} All of it adds up to ${signed(total)}.
      ${exactness(data.values)} ${left(parts)}
    </figcaption>
  </figure>`;
}

function exactness({ exact, offBy }: { readonly exact: boolean; readonly offBy: number }): string {
  return exact
    ? "No LayerNorm is in the way: a part is in it with exactly what leaving it out would change."
    : `Behind a LayerNorm parts are at the std of this text, off by ${percent(offBy)} of what leaving them out changes.`;
}
