/** The page of `normless lens`: the likeliest token after every block and position, and the way of the final answer. */
import { type LensData, type LensDataCell, residualName } from "../../look-inside/lens.js";
import { percent } from "../../terminal/format.js";
import { grid, gridScale, gridStyle } from "../charts/grid.js";
import { signed } from "../page/format.js";
import { type Html, html } from "../page/html.js";
import { page, section } from "../page/page.js";

export function renderLens(data: LensData, layers: number): string {
  const { model, prompt, positions, rows, exact } = data;
  const p = positions.length - 1;
  const { tokenText, position, text } = positions[p];
  const last = rows[rows.length - 1].cells[p];
  const first = rows.findIndex((_, r) => rows.slice(r).every(({ cells }) => cells[p].rank === 0));
  return page({
    title: "The logit lens",
    about: html`${model}, on ${JSON.stringify(prompt)}`,
    headline: html`After ${position} ${text} the model gives ${tokenText}
      <strong>${percent(last.probability)}</strong>,
      ${wayOf(first, last.rank, rows.length) ?? `the likeliest from ${residualName(rows[first].at, layers)} on`}.`,
    notes: html`<p class="caption">
      ${
        exact
          ? "No LayerNorm stands before the head: the step of a logit from one row to the next is exactly what was written into it in between."
          : "A LayerNorm stands before the head and divides each residual by its own std: steps of a logit are no attributions."
      }
    </p>`,
    styles: gridStyle,
    data,
    main: html`
      ${section("The likeliest token", likeliest(data, layers))}
      ${section("The way of the answer", answers(data, layers))}
    `,
  });
}

/** Where a token does not become the likeliest on the way. */
function wayOf(first: number, rank: number, rows: number): string | undefined {
  if (first < 0) return `its choice number ${rank + 1}`;
  return first === rows - 1 ? "the likeliest after the last block alone" : undefined;
}

/** From the final residual down to the embeddings, as the residual goes up. */
function upwards({ rows, positions }: LensData, layers: number) {
  const order = rows.toReversed();
  const names = order.map(({ at }) => residualName(at, layers));
  return { order, names, columns: positions.map(({ text }) => text) };
}

function note(data: LensData, name: string, p: number, cell: LensDataCell, step: number | undefined): Html {
  const { position, text, tokenText } = data.positions[p];
  return html`<b>${name}, ${position} ${text}</b>${cell.top.map(
      (one) => html`<span>${one.text} ${percent(one.probability)}</span>`,
    )}<span
      >${tokenText}: ${percent(cell.probability)}, rank ${cell.rank + 1}, logit ${signed(cell.logit)}</span
    >${step === undefined ? undefined : html`<span>step ${signed(step)}</span>`}`;
}

const unquoted = (text: string) => (text.startsWith('"') ? (JSON.parse(text) as string) : text);

function likeliest(data: LensData, layers: number): Html {
  const { order, names, columns } = upwards(data, layers);
  return html`<figure>
    ${grid({
      ...{
        id: "likeliest",
        label: "The likeliest token after each block, at each position",
        rows: names,
        columns,
      },
      ...{ columnsTitle: "after the token", tall: true },
      cells: order.map(({ cells }, r) =>
        cells.map((cell, p) => ({
          shade: cell.top[0].probability,
          text: unquoted(cell.top[0].text).trim(),
          note: note(data, names[r], p, cell, stepOf(order, r, p)),
        })),
      ),
    })}
    <figcaption>
      ${gridScale("100 %")} The token that each residual would predict; the stronger the colour, the surer.
      Point at a cell, or Tab to the picture and use the arrow keys.
    </figcaption>
  </figure>`;
}

/** What the logit has more than in the row below. */
function stepOf(order: LensData["rows"], r: number, p: number): number | undefined {
  const below = order.at(r + 1);
  return below && order[r].cells[p].logit - below.cells[p].logit;
}

function answers(data: LensData, layers: number): Html {
  const { order, names, columns } = upwards(data, layers);
  const largest = Math.max(...order.flatMap(({ cells }) => cells.map(({ probability }) => probability)));
  const followed = data.positions.map(({ tokenText }) => tokenText);
  const same = new Set(followed).size === 1;
  return html`<figure>
    ${grid({
      ...{
        id: "answers",
        label: "The probability of the final answer after each block, at each position",
        rows: names,
      },
      columns: same ? columns : columns.map((text, p) => `${text} → ${followed[p]}`),
      columnsTitle: same
        ? `probability of ${followed[0]} after the token`
        : "after the token → what the model says there",
      cells: order.map(({ cells }, r) =>
        cells.map((cell, p) => ({
          shade: largest === 0 ? 0 : cell.probability / largest,
          note: note(data, names[r], p, cell, stepOf(order, r, p)),
        })),
      ),
    })}
    <figcaption>
      ${gridScale(percent(largest))} The probability that each residual gives to the token that the model ends
      with, or that was asked for.
    </figcaption>
  </figure>`;
}
