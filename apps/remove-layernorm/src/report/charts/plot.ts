/**
 * A plot as HTML and SVG with no script: panels one above the other over a shared x axis. Everything is placed in
 * percent, and the SVG stretches while its strokes do not, so one plot fits a projector, a phone and paper. Pointing
 * at a column shows its note, with CSS alone.
 */
import { line } from "d3-shape";
import { type Html, html } from "../page/html.js";

/** A place on an axis, in percent from the left or from the top. */
export interface Tick {
  readonly at: number;
  readonly label: string;
  /** A CSS class that colours the label. */
  readonly tone?: string;
}

export interface Panel {
  readonly title?: string;
  /** In rem. */
  readonly height: number;
  readonly ticks: readonly Tick[];
  /** Vertical lines through the panel, in percent, each with the CSS class that colours it. */
  readonly marks?: readonly { readonly at: number; readonly tone: string }[];
  readonly shapes: readonly Html[];
}

/** A stretch of the x axis, in percent, and what pointing at it tells. */
export interface Column {
  readonly from: number;
  readonly to: number;
  readonly note: Html;
}

export interface Plot {
  /** For readers who do not see the plot. */
  readonly label: string;
  readonly panels: readonly Panel[];
  readonly x: readonly Tick[];
  readonly xTitle: string;
  readonly columns: readonly Column[];
}

/** x and y in percent, y from the top. */
export type Point = readonly [x: number, y: number];

const path = line<Point>()
  .x(([x]) => Number(x.toFixed(2)))
  .y(([, y]) => Number(y.toFixed(2)));

/** A line through points; `tone` is its CSS classes. */
export function curve(points: readonly Point[], tone: string): Html {
  return html`<path class="${tone}" d="${path([...points]) ?? ""}" />`;
}

/** Round dots: strokes of no length with round caps, which stay round where a stretched circle would not. */
export function dots(points: readonly Point[], tone: string): Html {
  const d = points.map(([x, y]) => `M${x.toFixed(2)} ${y.toFixed(2)}h0`).join("");
  return html`<path class="dots ${tone}" d="${d}" />`;
}

/** Bars from a side at the bottom to one at the top, all in percent. */
export function bars(
  boxes: readonly {
    readonly from: number;
    readonly to: number;
    readonly top: number;
    readonly bottom: number;
  }[],
  tone: string,
): Html {
  const d = boxes.map(
    ({ from, to, top, bottom }) =>
      `M${from.toFixed(2)} ${bottom.toFixed(2)}V${top.toFixed(2)}H${to.toFixed(2)}V${bottom.toFixed(2)}z`,
  );
  return html`<path class="bars ${tone}" d="${d.join("")}" />`;
}

export function plot({ label, panels, x, xTitle, columns }: Plot): Html {
  return html`<div class="plot" role="img" aria-label="${label}">
    ${panels.map(panelMarkup)}
    <div class="x">
      ${x.map(({ at, label }) => html`<span style="left:${percent(at)}">${label}</span>`)}
      <em>${xTitle}</em>
    </div>
    <div class="columns" aria-hidden="true">${columns.map(columnMarkup)}</div>
  </div>`;
}

function panelMarkup({ title, height, ticks, marks = [], shapes }: Panel): Html {
  const label = ({ at, label, tone = "" }: Tick) =>
    html`<span class="${tone}" style="top:${percent(at)}">${label}</span>`;
  const vertical = ({ at, tone }: { at: number; tone: string }) => {
    const x = at.toFixed(2);
    return html`<path class="mark ${tone}" d="M${x} 0V100" />`;
  };
  const grid = ticks.map(({ at }) => `M0 ${at.toFixed(2)}H100`).join("");
  return html`${title === undefined ? undefined : html`<div class="title">${title}</div>`}
    <div class="y">${ticks.map(label)}</div>
    <svg viewBox="0 0 100 100" preserveAspectRatio="none" style="height:${height}rem">
      <path class="grid" d="${grid}" />
      ${marks.map(vertical)} ${shapes}
    </svg>`;
}

function columnMarkup({ from, to, note }: Column): Html {
  const side = (from + to) / 2 > 50 ? "left" : "right";
  const place = `left:${percent(from)};width:${percent(to - from)}`;
  return html`<div style="${place}"><p class="${side}">${note}</p></div>`;
}

const percent = (value: number): string => `${Number(value.toFixed(2))}%`;
