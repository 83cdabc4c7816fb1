/** The charts of a comparison: A dashed and grey, B in colour. */
import { scaleLinear } from "d3-scale";
import { type PositionClass, POSITION_CLASSES } from "@normless/tensor";
import type { CalibrationBin } from "@normless/evaluate";
import type { ComparisonData } from "../../compare/comparison-data.js";
import { percent } from "../../terminal/format.js";
import { compact, count } from "../page/format.js";
import { type Html, html } from "../page/html.js";
import { bars, curve, dots, plot, type Point, type Tick } from "./plot.js";
import { type Axis, extent, linearAxis, logAxis } from "./scales.js";

const sides = [
  { side: "a", name: "A", tone: "original" },
  { side: "b", name: "B", tone: "removal" },
] as const;

const keys = html`<span class="key original">A</span> <span class="key removal">B</span>`;

const titles: Record<PositionClass, string> = {
  first: "First position",
  eot: "End-of-text",
  rest: "All other tokens",
};

/** One plot a position class, on one logarithmic scale. */
export function normCharts({ norms }: ComparisonData): Html {
  const modules = (norms.a.length >= norms.b.length ? norms.a : norms.b).map(({ module }) => module);
  const all = [...norms.a, ...norms.b].flatMap(({ mean }) => Object.values(mean));
  const y = logAxis(extent(all));
  const seen = POSITION_CLASSES.filter((name) => [...norms.a, ...norms.b].some(({ mean }) => name in mean));
  const chart = (name: PositionClass) =>
    linesByPlace({
      label: `${titles[name]}: L2 norm of the residual at every norm module of A and of B`,
      title: titles[name],
      places: modules,
      placeTicks: (at) => moduleTicks(modules.length, at),
      xTitle: "norm module",
      y,
      values: (side, module) => norms[side].find((one) => one.module === module)?.mean[name],
      show: compact,
    });
  return html`<div class="row three">${seen.map((name) => html`<figure>${chart(name)}</figure>`)}</div>
    <p class="caption">
      ${keys} Mean L2 norm of the residual that each norm module reads, or read before it was folded;
      logarithmic scale. Two modules a block, ln_1 and ln_2, then ln_f.
    </p>`;
}

export function attentionChart({ attention }: ComparisonData): Html {
  const layers = attention.a.length >= attention.b.length ? attention.a : attention.b;
  const places = layers.map(({ layer }) => `h.${layer}`);
  const chart = (title: string, figure: "share" | "sinkRate") =>
    linesByPlace({
      label: `${title} by layer, of A and of B`,
      title,
      places,
      placeTicks: (at) => {
        const every = Math.ceil(places.length / 8);
        return places.flatMap((label, i) => (i % every === 0 ? [{ at: at(i), label }] : []));
      },
      xTitle: "layer",
      y: linearAxis([0, Math.max(0.1, ...[...attention.a, ...attention.b].map((layer) => layer[figure]))]),
      values: (side, _place, layer) => attention[side].at(layer)?.[figure],
      show: percent,
    });
  return html`<div class="row two small">
      <figure>${chart("Mean share of attention", "share")}</figure>
      <figure>${chart("Sink rate: more than 0.3 of it", "sinkRate")}</figure>
    </div>
    <p class="caption">
      ${keys} Over all heads and queries of a layer but the first query, which has nothing else to attend to.
    </p>`;
}

interface Lines {
  readonly label: string;
  readonly title: string;
  readonly places: readonly string[];
  readonly placeTicks: (at: (i: number) => number) => Tick[];
  readonly xTitle: string;
  readonly y: Axis;
  readonly values: (side: "a" | "b", place: string, i: number) => number | undefined;
  readonly show: (value: number) => string;
}

/** A line a model over places in a row; a model has nothing at some places of a deeper one. */
function linesByPlace({ label, title, places, placeTicks, xTitle, y, values, show }: Lines): Html {
  const width = 100 / places.length;
  const at = (i: number) => (i + 0.5) * width;
  const shapes = sides.flatMap(({ side, tone }) => {
    const points = places.flatMap((place, i): Point[] => {
      const value = values(side, place, i);
      return value === undefined ? [] : [[at(i), y.at(value)]];
    });
    // In a deep model dots would run together and hide the line.
    return [curve(points, `bold ${tone}`), ...(places.length <= 30 ? [dots(points, tone)] : [])];
  });
  return plot({
    label,
    x: placeTicks(at),
    xTitle,
    panels: [{ title, height: 13, ticks: y.ticks, shapes }],
    columns: places.map((place, i) => ({
      from: i * width,
      to: (i + 1) * width,
      note: html`<b>${place}</b>${sides.map(({ side, name, tone }) => {
          const value = values(side, place, i);
          return value === undefined
            ? undefined
            : html`<span class="key ${tone}">${name} ${show(value)}</span>`;
        })}`,
    })),
  });
}

/** How often each is right, by how sure it is. */
export function calibrationChart({ calibration }: ComparisonData): Html {
  const x = across([0, 1], 6);
  const y: Axis = {
    at: scaleLinear([0, 1], [100, 0]),
    ticks: x.ticks.map(({ at, label }) => ({ at: 100 - at, label })),
  };
  const drawn = sides.flatMap(({ side, tone }) => {
    const points = calibration[side].flatMap(({ confidence, accuracy }): Point[] =>
      confidence === undefined || accuracy === undefined ? [] : [[x.at(confidence), y.at(accuracy)]],
    );
    return [curve(points, `bold ${tone}`), dots(points, tone)];
  });
  const note = (name: string, tone: string, { count: predictions, confidence, accuracy }: CalibrationBin) =>
    confidence === undefined || accuracy === undefined
      ? html`<span class="key ${tone}">${name} none</span>`
      : html`<span class="key ${tone}">${name} right ${percent(accuracy)} of ${count(predictions)}</span>`;
  return html`<figure>
    ${plot({
      label: "Share of likeliest tokens that came, by the probability that A and B gave them",
      x: x.ticks,
      xTitle: "its probability",
      panels: [
        {
          title: "How often the likeliest token came",
          height: 17,
          ticks: y.ticks,
          shapes: [
            curve(
              [
                [0, 100],
                [100, 0],
              ],
              "base",
            ),
            ...drawn,
          ],
        },
      ],
      columns: calibration.a.map((bin, i) => ({
        from: x.at(bin.low),
        to: x.at(bin.high),
        note: html`<b>${percent(bin.low)} to ${percent(bin.high)} sure</b>${sides.map(
            ({ side, name, tone }) => note(name, tone, calibration[side][i]),
          )}`,
      })),
    })}
    <figcaption>
      ${keys} Below the diagonal a model is surer than right. Point at a bin for its size.
    </figcaption>
  </figure>`;
}

/** The histogram of loss B − loss A. */
export function lossChart({ lossDifferences: { low, width, counts } }: ComparisonData): Html {
  const x = across([low, low + width * counts.length], 5);
  const y = linearAxis([0, Math.max(...counts)]);
  const edges = counts.map((value, i) => ({
    from: x.at(low + i * width),
    to: x.at(low + (i + 1) * width),
    value,
  }));
  return html`<figure>
    ${plot({
      label: "Histogram of the cross-entropy of B minus that of A, by token",
      x: x.ticks,
      xTitle: "cross-entropy of B − that of A, nats",
      panels: [
        {
          title: "Tokens",
          height: 17,
          ticks: y.ticks,
          marks: [{ at: x.at(0), tone: "price" }],
          shapes: [
            bars(
              edges.map(({ from, to, value }) => ({ from, to, top: y.at(value), bottom: y.at(0) })),
              "removal",
            ),
          ],
        },
      ],
      columns: edges.map(({ from, to, value }, i) => ({
        from,
        to,
        note: html`<b>${range(low + i * width, width, i, counts.length)}</b
          ><span>${count(value)} tokens</span>`,
      })),
    })}
    <figcaption>Right of the line B is worse. The outermost bars hold all that lies beyond.</figcaption>
  </figure>`;
}

function range(from: number, width: number, i: number, bins: number): string {
  if (i === 0) return `below ${compact(from + width)}`;
  if (i === bins - 1) return `above ${compact(from)}`;
  return `${compact(from)} to ${compact(from + width)}`;
}

/** From left to right. */
function across(domain: readonly [number, number], ticks: number): Axis {
  const scale = scaleLinear(domain, [0, 100]);
  return {
    at: scale,
    ticks: scale.ticks(ticks).map((value) => ({ at: scale(value), label: compact(value) })),
  };
}

/** A tick at the ln_1 of some blocks, and at ln_f. */
function moduleTicks(modules: number, at: (i: number) => number): Tick[] {
  const layers = (modules - 1) / 2;
  const every = Math.ceil(layers / 6);
  const blocks = Array.from({ length: Math.ceil(layers / every) }, (_, i) => i * every);
  return [
    ...blocks.map((layer) => ({ at: at(2 * layer), label: `h.${layer}` })),
    { at: at(modules - 1), label: "ln_f" },
  ];
}
