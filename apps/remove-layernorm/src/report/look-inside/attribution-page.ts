/** The pages of `normless attribute`: a logit, or a difference of two, by part of the model and over positions. */
import type { Part } from "@normless/interpret";
import {
  type AttributionData,
  partName,
  type PromptsAttributionData,
  targetName,
} from "../../look-inside/attribution.js";
import { percent } from "../../terminal/format.js";
import { grid, type GridCell, gridScale, gridStyle } from "../charts/grid.js";
import { signedBars, signedBarStyle } from "../charts/signed-bars.js";
import { signed } from "../page/format.js";
import { type Html, html } from "../page/html.js";
import { page, section } from "../page/page.js";

/** Parts that have a bar of their own. */
const BARS = 24;

export function renderAttribution(data: AttributionData): string {
  const { model, prompt, parts, logit, probability, position, last, overPositions } = data;
  const name = targetName(data);
  const amounts = parts.map((part) => ({ part, value: part.logit, shown: signed(part.logit) }));
  return page({
    title: "What wrote a logit",
    about: html`${model}, after ${JSON.stringify(prompt)}${position === last ? "" : `, position ${position}`}`,
    headline: html`The ${data.versus === undefined ? "logit of" : "difference of logits"} ${name} is
      <strong>${signed(logit)}</strong>; the model gives ${data.tokenText} ${percent(probability)}.`,
    notes: exactness(data),
    styles: gridStyle + signedBarStyle,
    data,
    main: html`
      ${section("By place in the model", placesGrid(amounts))}
      ${section(
        "The largest parts",
        barsOf(amounts, (part) => partName(part, data)),
      )}
      ${overPositions && section("After every token", positionsGrid(data, overPositions))}
    `,
  });
}

export function renderPromptsAttribution(data: PromptsAttributionData): string {
  const { model, file, prompts, logit, above, parts } = data;
  const amounts = parts.map((part) => ({
    ...{ part, value: part.logit.value },
    shown: `${signed(part.logit.value)}${part.logit.interval ? ` [${signed(part.logit.interval.low)}, ${signed(part.logit.interval.high)}]` : ""}`,
  }));
  return page({
    title: "What tells right from wrong",
    about: html`${model}, ${prompts} prompts of ${file}`,
    headline: html`The right answer’s logit is
      <strong>${Math.abs(logit.value).toFixed(4)}</strong> ${logit.value < 0 ? "below" : "above"} the wrong
      one’s in the mean, and above it in ${percent(above)} of the prompts.`,
    notes: exactness(data),
    styles: gridStyle + signedBarStyle,
    data,
    main: html`
      ${section("By place in the model", placesGrid(amounts))}
      ${section(
        "The largest parts, mean and 95 % interval over prompts",
        barsOf(amounts, (part) => partName(part)),
      )}
    `,
  });
}

interface Amount {
  readonly part: Part;
  readonly value: number;
  readonly shown: string;
}

function exactness({ exact, offBy }: { readonly exact: boolean; readonly offBy: number }): Html {
  return exact
    ? html`<p class="caption">
        No LayerNorm stands before the head: each part is exactly what leaving it out would take away.
      </p>`
    : html`<p class="caption">
        A LayerNorm stands before the head: each part is taken at the std of the whole, which leaving it out
        would change, too. As direct effects the parts are off by ${percent(offBy)} of what leaving them out
        changes.
      </p>`;
}

/** A row for the embeddings and one for each block: its heads, its MLP and its biases. */
function placesGrid(amounts: readonly Amount[]): Html {
  const largest = Math.max(...amounts.map(({ value }) => Math.abs(value)));
  const cell = (found: Amount | undefined): GridCell | undefined =>
    found && {
      shade: largest === 0 ? 0 : found.value / largest,
      text: found.value.toFixed(2).replace(/^-(0\.00)?/, (_, zero: string | undefined) => zero ?? "−"),
      note: html`<b>${partName(found.part)}</b><span>${found.shown}</span>`,
    };
  const heads = 1 + Math.max(...amounts.map(({ part }) => part.head ?? 0));
  const layers = 1 + Math.max(...amounts.map(({ part }) => part.layer ?? 0));
  const at = (test: (part: Part) => boolean) => cell(amounts.find(({ part }) => test(part)));
  const rows = Array.from({ length: layers }, (_, layer) => {
    const here = (test: (part: Part) => boolean) => at((part) => part.layer === layer && test(part));
    return [
      ...Array.from({ length: heads }, (_, head) => here((part) => part.head === head)),
      here(({ kind }) => kind === "mlp"),
      here(({ kind, name }) => kind === "bias" && !name.includes("mlp")),
      here(({ kind, name }) => kind === "bias" && name.includes("mlp")),
    ];
  });
  const width = heads + 3;
  const others = (tests: readonly ((part: Part) => boolean)[]) =>
    Array.from({ length: width }, (_, c) => (tests[c] ? at(tests[c]) : undefined));
  return html`<figure>
    ${grid({
      ...{ id: "places", label: "What each part adds, by layer, head and MLP", tall: true },
      rows: ["embeddings", ...rows.map((_, layer) => `h.${layer}`), "last bias"],
      columns: [...Array.from({ length: heads }, (_, head) => String(head)), "MLP", "bias", "MLP b."],
      columnsTitle: "head, then MLP and the biases of attention and MLP",
      cells: [
        others([({ kind }) => kind === "token", ({ kind }) => kind === "position"]),
        ...rows,
        others([({ kind, layer }) => kind === "bias" && layer === undefined]),
      ],
    })}
    <figcaption>
      ${gridScale(signed(largest), signed(-largest))} Hatched is below 0. The embeddings are token and
      position. Point at a cell, or Tab to the picture and use the arrow keys.
    </figcaption>
  </figure>`;
}

function barsOf(amounts: readonly Amount[], nameOf: (part: Part) => string): Html {
  const ordered = [...amounts].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const bars = ordered.slice(0, BARS).map(({ part, value, shown }) => ({ name: nameOf(part), value, shown }));
  const left = ordered.slice(BARS);
  const sum = left.reduce((total, { value }) => total + value, 0);
  const rest =
    left.length === 0 ? [] : [{ name: `the other ${left.length}`, value: sum, shown: signed(sum) }];
  return signedBars("part", "adds", [...bars, ...rest]);
}

/** Sums by layer, after each token. */
function positionsGrid(data: AttributionData, over: NonNullable<AttributionData["overPositions"]>): Html {
  const layers = 1 + Math.max(...data.parts.map(({ layer }) => layer ?? 0));
  const groups: readonly { readonly name: string; readonly has: (part: Part) => boolean }[] = [
    { name: "embeddings", has: ({ kind }) => kind === "token" || kind === "position" },
    ...Array.from({ length: layers }, (_, i) => [
      { name: `h.${i} heads`, has: ({ kind, layer }: Part) => kind === "head" && layer === i },
      { name: `h.${i} MLP`, has: ({ kind, layer }: Part) => kind === "mlp" && layer === i },
    ]).flat(),
    { name: "biases", has: ({ kind }) => kind === "bias" },
  ];
  const sums = groups.map(({ has }) =>
    over.map(({ parts }) => parts.filter(has).reduce((sum, { logit }) => sum + logit, 0)),
  );
  const rows = [...sums, over.map(({ logit }) => logit)];
  const largest = Math.max(...sums.flat().map(Math.abs));
  const names = [...groups.map(({ name }) => name), "all"];
  return html`<figure>
    ${grid({
      ...{ id: "over", label: `What writes ${targetName(data)} after every token, by layer`, rows: names },
      columns: over.map(({ text }) => text),
      columnsTitle: "after the token",
      cells: rows.map((row, r) =>
        row.map((value, t) => ({
          shade: largest === 0 ? 0 : value / largest,
          note: html`<b>${names[r]}, after ${over[t].position} ${over[t].text}</b
            ><span>${signed(value)}</span>`,
        })),
      ),
    })}
    <figcaption>
      ${gridScale(signed(largest), signed(-largest))} The same logit or difference, ${targetName(data)},
      wherever the text might have ended; the last row is the sum.
    </figcaption>
  </figure>`;
}
