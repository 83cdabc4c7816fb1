/** The std at every norm module, before and after: one plot a position class, all on one logarithmic scale. */
import { normModules } from "@normless/gpt2";
import { type PositionClass, POSITION_CLASSES } from "@normless/tensor";
import { resultName } from "../../terminal/extent.js";
import type { ReportData } from "../data.js";
import { compact } from "../page/format.js";
import { type Html, html } from "../page/html.js";
import { curve, dots, plot, type Point, type Tick } from "./plot.js";
import { type Axis, extent, logAxis } from "./scales.js";

const titles: Record<PositionClass, string> = {
  first: "First position",
  eot: "End-of-text",
  rest: "All other tokens",
};
const contenders = ({ sites }: ReportData["plan"]) =>
  [
    { model: "original", name: "original" },
    { model: "frozen", name: resultName(sites) },
  ] as const;

/** Nothing when the run measured no std. */
export function stdCharts({ plan, stds }: ReportData): Html | undefined {
  if (stds.length === 0) return undefined;
  const y = logAxis(
    extent(
      stds.flatMap((event) =>
        Object.values(event.stds).flatMap(({ first, eot, rest }) => [first, eot, rest]),
      ),
    ),
  );
  return html`<div class="row three">
      ${POSITION_CLASSES.map((name) => html`<figure>${classPlot(name, plan, y, stds)}</figure>`)}
    </div>
    <p class="caption">
      <span class="key original dashed">original</span>
      ${stds.some(({ model }) => model === "frozen") ? html`<span class="key removal">${resultName(plan.sites)}</span>` : undefined}
      Mean std of the residual that each norm module reads, in the residual’s units, logarithmic scale. Two
      modules a block, ln_1 and ln_2, then ln_f.
    </p>`;
}

function classPlot(name: PositionClass, plan: ReportData["plan"], y: Axis, events: ReportData["stds"]): Html {
  const modules = normModules(plan.config);
  const width = 100 / modules.length;
  const at = (i: number) => (i + 0.5) * width;
  const series = contenders(plan).map(({ model, name: title }) => {
    const stds = events.find((event) => event.model === model)?.stds ?? {};
    return { model, title, values: modules.map((module) => stds[module]?.[name] as number | undefined) };
  });
  const shapes = series.flatMap(({ model, values }) => {
    const points = values.flatMap((value, i): Point[] => (value === undefined ? [] : [[at(i), y.at(value)]]));
    const tone = model === "original" ? "original" : "removal";
    // In a deep model dots would run together and hide the line.
    return [curve(points, `bold ${tone}`), ...(modules.length <= 30 ? [dots(points, tone)] : [])];
  });
  return plot({
    label: `${titles[name]}: std at every norm module of the original and of the model that lost its norms`,
    x: moduleTicks(modules, at),
    xTitle: "norm module",
    panels: [{ title: titles[name], height: 13, ticks: y.ticks, shapes }],
    columns: modules.map((module, i) => ({
      from: i * width,
      to: (i + 1) * width,
      note: html`<b>${module}</b>${series.map(({ title, model, values }) => {
          const value = values[i];
          if (value === undefined) return undefined;
          const tone = model === "original" ? "original" : "removal";
          return html`<span class="key ${tone}">${title} ${compact(value)}</span>`;
        })}`,
    })),
  });
}

/** A tick at the ln_1 of some blocks, and at ln_f. */
function moduleTicks(modules: readonly string[], at: (i: number) => number): Tick[] {
  const layers = (modules.length - 1) / 2;
  const every = Math.ceil(layers / 6);
  const blocks = Array.from({ length: Math.ceil(layers / every) }, (_, i) => i * every);
  return [
    ...blocks.map((layer) => ({ at: at(2 * layer), label: `h.${layer}` })),
    { at: at(modules.length - 1), label: "ln_f" },
  ];
}
