/** KL and loss by position: a line and a column a kind of rows. */
import {
  type CellFigures,
  type KindFigures,
  type PositionFigures,
  type PositionRange,
  rangeName,
  type RowKind,
  rowKindNames,
} from "@normless/evaluate";
import type { Estimate } from "@normless/statistics";
import { notMeasuredText, rangesOf } from "../../terminal/position-text.js";
import { compact, count, signed } from "../page/format.js";
import { type Html, html } from "../page/html.js";
import { curve, dots, plot, type Point } from "./plot.js";
import { extent, logAxis, positionAxis } from "./scales.js";

/** Colour and dashes: what is printed in grey keeps the second. */
const tones: Readonly<Record<RowKind, string>> = {
  plain: "kind-1",
  "eot-middle": "kind-3 dashed",
  "eot-document": "kind-4 dotted",
};

/** How a page calls the two models. */
export interface ModelNames {
  readonly reference: string;
  readonly model: string;
}

/** The picture, the table below it, and what there is not. */
export function positionSection(figures: PositionFigures, names: ModelNames): Html {
  return html`${klChart(figures, names)} ${positionTable(figures, names)}
  ${notMeasuredText(figures.notMeasured).map((line) => html`<p class="caption">${line}</p>`)}`;
}

/** KL against position, both by factors; nothing where no model is another. */
export function klChart({ kinds }: PositionFigures, { reference, model }: ModelNames): Html | undefined {
  const lines = kinds.flatMap(({ kind, curve }) => {
    // A logarithm has no place for 0.
    const means = curve.flatMap(({ range, kl = 0 }) => (kl > 0 ? [{ range, value: kl }] : []));
    return means.length > 0 ? [{ kind, means }] : [];
  });
  if (lines.length === 0) return undefined;
  const T = Math.max(...kinds.flatMap(({ ranges }) => ranges.map(({ range }) => range.end)));
  const x = positionAxis(T);
  const y = logAxis(extent(lines.flatMap(({ means }) => means.map(({ value }) => value))));
  const shapes = lines.flatMap(({ kind, means }) => {
    // The middle of a stretch, by factors.
    const middle = ({ begin, end }: PositionRange) => Math.sqrt((begin + 1) * end) - 1;
    const points = means.map(({ range, value }): Point => [x.at(middle(range)), y.at(value)]);
    return [curve(points, `bold ${tones[kind]}`), dots(points, tones[kind])];
  });
  return html`<figure>
    ${plot({
      label: `KL of ${model} from ${reference} by position, a line for each kind of row`,
      x: x.ticks,
      xTitle: "position",
      panels: [{ title: `KL(${reference}‖${model}), nats per token`, height: 17, ticks: y.ticks, shapes }],
      columns: rangesOf(kinds).map((range) => ({
        from: x.at(range.begin - 0.5),
        to: x.at(range.end - 0.5),
        note: note(range, kinds),
      })),
    })}
    <figcaption>
      ${lines.map(({ kind }) => html`<span class="key ${tones[kind]}">${rowKindNames[kind]}</span>`)} Each
      position up to 7, then means over a quarter of a doubling; both axes by factors. Point at a range for
      its mean.
    </figcaption>
  </figure>`;
}

function note(range: PositionRange, kinds: readonly KindFigures[]): Html {
  return html`<b>position ${rangeName(range)}</b>${kinds.map(({ kind, ranges }) => {
      const kl = ranges.find((one) => one.range.begin === range.begin)?.kl;
      return (
        kl && html`<span class="key ${tones[kind]}">${compact(kl.value)}${inBrackets(kl, compact)}</span>`
      );
    })}`;
}

function inBrackets({ interval }: Estimate, show: (value: number) => string): string {
  return interval ? ` [${show(interval.low)}, ${show(interval.high)}]` : "";
}

const COLUMNS = [
  { figure: ({ toFirst }: CellFigures) => toFirst, show: signed },
  { figure: ({ kl }: CellFigures) => kl, show: (value: number) => value.toFixed(4) },
];

/** The difference of loss and the KL, with intervals. */
export function positionTable({ kinds }: PositionFigures, { reference, model }: ModelNames): Html {
  const cells = (kind: KindFigures, cell: CellFigures | undefined) =>
    COLUMNS.map(({ figure, show }) => {
      if (!figure(kind.all)) return undefined;
      const estimate = cell && figure(cell);
      if (!estimate) return html`<td>—</td>`;
      const { value, interval } = estimate;
      const around = interval && html`<small>${show(interval.low)} to ${show(interval.high)}</small>`;
      return html`<td>${show(value)}${around}</td>`;
    });
  const row = (name: string, of: (kind: KindFigures) => CellFigures | undefined) =>
    html`<tr>
      <th scope="row">${name}</th>
      ${kinds.map((kind) => html`${cells(kind, of(kind))}`)}
    </tr>`;
  const heads = ({ all }: KindFigures) => [
    all.toFirst && html`<th scope="col">cross-entropy, ${model} − ${reference}</th>`,
    all.kl && html`<th scope="col">KL(${reference}‖${model})</th>`,
  ];
  const width = ({ all }: KindFigures) => COLUMNS.filter(({ figure }) => figure(all)).length;
  return html`<div class="positions">
    <table class="figures">
      <thead>
        <tr>
          <th scope="col"></th>
          ${kinds.map(
            (kind) =>
              html`<th scope="colgroup" colspan="${width(kind)}">
                ${rowKindNames[kind.kind]}<small>${rowsText(kind)}</small>
              </th>`,
          )}
        </tr>
        <tr>
          <th scope="col">position<small>95 % intervals below</small></th>
          ${kinds.map((kind) => html`${heads(kind)}`)}
        </tr>
      </thead>
      <tbody>
        ${rangesOf(kinds).map((range) =>
          row(rangeName(range), ({ ranges }) => ranges.find((one) => one.range.begin === range.begin)),
        )}
        ${row("all", ({ all }) => all)}
      </tbody>
    </table>
  </div>`;
}

function rowsText({ rows, available }: KindFigures): string {
  return rows < available ? `${count(rows)} of ${count(available)} rows` : `${count(rows)} rows`;
}
