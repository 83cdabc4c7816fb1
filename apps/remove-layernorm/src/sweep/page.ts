/** The page of a sweep: which recipe came nearest, every recipe's seeds as dots, the tables, and what the sweep is of. */
import type { Spread } from "@normless/statistics";
import { type Html, html } from "../report/page/html.js";
import { page, section } from "../report/page/page.js";
import { signed } from "../report/page/format.js";
import { curve, dots, plot } from "../report/charts/plot.js";
import { acrossAxis, acrossLogAxis, extent } from "../report/charts/scales.js";
import type { Figure, Group, SweepFigures } from "./figures.js";
import { type Grid, sweepGrids } from "./grids.js";
import type { SweepRecord } from "./record.js";

export interface SweepData {
  readonly record: SweepRecord;
  readonly figures: SweepFigures;
  /** What to type to run what is not there yet. */
  readonly command: string;
}

export function renderSweep(data: SweepData): string {
  const { record, figures } = data;
  const { groups } = figures;
  const runs = groups.flatMap((group) => group.runs);
  const models = [...new Set(groups.map(({ model }) => model))];
  const finished = runs.filter(({ state }) => state === "finished").length;
  const { recipes, firstPosition, positions, runs: runTable } = sweepGrids(figures);
  return page({
    title: "Recipes, over seeds",
    about: html`${count(new Set(groups.map(({ recipe }) => recipe)).size, "recipe")} on
    ${models.join(" and ")}: ${finished} of ${count(runs.length, "run")} done`,
    headline: html`${models.map((model) => nearest(model, groups))}`,
    styles,
    data: { ...record, ...jsonFigures(figures), command: data.command },
    main: html`
      ${gridTable(recipes)} ${figures.shown.map((figure) => section(titleOf(figure), strips(figure, groups)))}
      ${[firstPosition, ...positions, runTable].map((grid) => section(grid.title, gridTable(grid)))}
      ${section("What it is of", sources(data))}
    `,
  });
}

/** Figures as plain data, for sweep.json and the page. */
export function jsonFigures({ groups }: SweepFigures) {
  return { groups };
}

const count = (value: number, what: string) => `${value} ${what}${value === 1 ? "" : "s"}`;
const titleOf = ({ name }: Figure) => `${name[0].toUpperCase()}${name.slice(1)}`;

/** `On sotu, distilled came nearest to the original: +0.0225 nats …`. */
function nearest(model: string, groups: readonly Group[]): Html {
  const known = groups.flatMap((group) => {
    const spread = group.spreads["toOriginal"];
    return group.model === model && spread ? [{ recipe: group.recipe, spread }] : [];
  });
  const [best] = known.sort((a, b) => a.spread.mean - b.spread.mean);
  if (!best) return html`<span class="line">On ${model} no run has come to its end yet.</span>`;
  return html`<span class="line"
    >On ${model}, ${best.recipe} has the lowest cross-entropy:
    <strong>${signed(best.spread.mean)} nats</strong> over the original${seeds(best.spread)}.</span
  >`;
}

const seeds = ({ count: runs }: Spread) => (runs > 1 ? `, the mean of ${runs} seeds` : ", of one seed");

/** A model's recipes one below the other: each seed a dot, the mean a stroke. */
function strips(figure: Figure, groups: readonly Group[]): Html {
  const measured = groups.filter(({ spreads }) => spreads[figure.key] !== undefined);
  const models = [...new Set(measured.map(({ model }) => model))];
  const all = groups.flatMap(({ runs }) => runs.flatMap(({ figures }) => figures?.[figure.key] ?? []));
  const [low, high] = extent(all);
  // Where one is a hundred times another, the small ones would lie on one line.
  const byFactors = low > 0 && high > 100 * low;
  const x = byFactors ? acrossLogAxis([low, high]) : acrossAxis(extent([...all, 0]));
  const figures = models.map((model) => {
    const mine = measured.filter((group) => group.model === model);
    const at = (i: number) => ((i + 0.5) / mine.length) * 100;
    const half = 30 / mine.length;
    const shapes = mine.flatMap((group, i) => {
      const mean = group.spreads[figure.key]?.mean;
      const values = group.runs.flatMap(({ figures: own }) => own?.[figure.key] ?? []);
      return [
        dots(
          values.map((value) => [x.at(value), at(i)]),
          "removal seed",
        ),
        ...(mean === undefined
          ? []
          : [
              curve(
                [at(i) - half, at(i) + half].map((y) => [x.at(mean), y]),
                "bold removal",
              ),
            ]),
      ];
    });
    return html`<figure class="strips">
      ${plot({
        label: `${figure.name} by recipe on ${model}, each seed a dot`,
        x: x.ticks,
        xTitle: "nats a token",
        panels: [
          {
            title: model,
            height: 2.2 * mine.length,
            ticks: mine.map(({ recipe }, i) => ({ at: at(i), label: recipe })),
            marks: byFactors ? [] : [{ at: x.at(0), tone: "price" }],
            shapes,
          },
        ],
        columns: [],
      })}
    </figure>`;
  });
  return html`${figures}`;
}

function gridTable({ head, rows, names, note }: Grid): Html {
  const cell = (text: string, i: number) =>
    i < names ? html`<th scope="row">${text}</th>` : html`<td>${split(text)}</td>`;
  return html`<div class="wide">
      <table class="figures grid">
        <thead>
          <tr>
            ${head.map((text, i) => html`<th scope="col" class="${i < names ? "name" : ""}">${text}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) =>
              html`<tr class="${stateOf(row)}">
                ${row.map(cell)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${note.split("\n").map((line) => html`<p class="caption">${line}</p>`)}`;
}

/** A range goes below its mean. */
function split(text: string): Html {
  const [, mean, range] = /^(\S+) \((.+)\)$/.exec(text) ?? [];
  return mean === undefined ? html`${text}` : html`${mean}<small>${range}</small>`;
}

/** Lines with a run that failed are marked as such. */
const stateOf = (row: readonly string[]) =>
  row.slice(0, 4).some((text) => /diverged|failed/.test(text)) ? "lost" : "";

function sources({ record, command }: SweepData): Html {
  const models = [...new Map(record.arms.map((arm) => [arm.model, arm])).values()];
  return html`<table class="facts sources">
      <tbody>
        ${models.map(
          ({ model, weights, data }) =>
            html`<tr>
                <th scope="row">${model}, weights</th>
                <td>sha256 ${weights.join(", ")}</td>
              </tr>
              <tr>
                <th scope="row">${model}, tokens</th>
                <td>training sha256 ${data.train}; validation sha256 ${data.validation}</td>
              </tr>`,
        )}
      </tbody>
    </table>
    <p class="caption">
      Each run's folder says the rest: its report, its README, its summary.json. To run what is missing:
    </p>
    <pre class="command">${command}</pre>
    ${record.arms.map(
      ({ model, recipe, fields }) =>
        html`<details>
          <summary>${recipe} on ${model}, as JSON, but for the seed</summary>
          <pre>${JSON.stringify(fields, undefined, 2)}</pre>
        </details>`,
    )}`;
}

const styles = `
.headline .line { display: block; }
.wide { overflow-x: auto; }
.grid { font-size: 0.9rem; }
.grid thead th.name { text-align: left; padding-left: 0; padding-right: 1rem; }
.grid tbody th { padding-right: 1rem; white-space: nowrap; }
.grid td { font-size: inherit; }
.grid .lost th { color: var(--removal); }
.strips .plot { --gutter: 13rem; }
.strips + .strips { margin-top: 1.5rem; }
.plot path.dots.seed { stroke-width: 8; opacity: 0.55; }
@media (max-width: 44rem) { .strips .plot { --gutter: 8rem; } }
`;
