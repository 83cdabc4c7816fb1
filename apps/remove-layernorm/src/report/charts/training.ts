/** What training looked like: the loss with every removal, its price, the gradient norm and the learning rate. */
import type { StepEvent, Phase } from "@normless/removal";
import { resultName } from "../../terminal/extent.js";
import type { ReportData } from "../data.js";
import { compact, count, nats, signed } from "../page/format.js";
import { type Html, html } from "../page/html.js";
import { kindOf, kinds, kindsIn, nameOf } from "./kinds.js";
import { type Column, curve, dots, type Panel, type Plot, plot, type Point } from "./plot.js";
import { type Axis, bulk, extent, linearAxis, smooth, stepAxis } from "./scales.js";

/** No plot has more columns to point at: finer ones could not be hit. */
const mostColumns = 200;

interface Series {
  readonly name: string;
  /** The CSS class that colours it. */
  readonly tone: Phase | "price" | "rate";
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

export function lossChart({ plan, steps, removals }: ReportData): Html {
  const x = stepAxis(plan.recipe.steps);
  const name = resultName(plan.sites);
  const { control, removal } = byPhase(steps, name, ({ loss }) => loss);
  const span = Math.min(20, Math.max(4, Math.round(plan.recipe.steps / 25)));
  // What a distilled run has for a loss is the distance from the original already.
  const distilled = plan.recipe.loss === "distillation";
  const price = difference(removal, control);
  const series = [control, removal].filter(({ steps }) => steps.length > 0);
  const marks = removals.map((event) => ({
    at: x.at(event.step),
    tone: kinds[kindOf(event.removal)].tone,
  }));
  const title = distilled
    ? "Training loss: KL from the original, nats per token"
    : "Training loss: cross-entropy, nats per token";
  const loss = curves(x, series, span, title, 20, distilled ? [0] : []);
  const gap =
    price.steps.length === 0
      ? undefined
      : curves(x, [price], span, `${name} minus control, on the same batch`, 9, [0]);
  const outside = loss.outside + (gap?.outside ?? 0);
  return html`<figure>
    ${plot({
      label: `Training loss by step of ${distilled ? "" : "the control and of "}the model that loses its norms, with a mark at every removal`,
      x: x.ticks,
      xTitle: "step",
      panels: [
        ...(removals.length > 0 ? [{ ...lanes(x, removals), marks }] : []),
        { ...loss.panel, marks },
        ...(gap ? [{ ...gap.panel, marks }] : []),
      ],
      columns: columns(x, plan.recipe.steps, (from, to) =>
        lossNote(from, to, { control, removal, price }, removals),
      ),
    })}
    <figcaption>
      ${[...series, ...(gap ? [price] : [])].map(({ name, tone }) => html`<span class="key ${tone}">${name}</span>`)}
      Faint: every step. Bold: exponential moving average over about ${span} steps. Vertical lines: removals,
      coloured by kind as in the top rows; point at one to read its name.
      ${outside > 0 ? `${count(outside)} outlying steps are beyond the edge of the plot.` : ""}
    </figcaption>
  </figure>`;
}

export function gradientChart({ plan: { recipe, sites }, steps }: ReportData): Html {
  const { control, removal } = byPhase(steps, resultName(sites), ({ gradNorm }) => gradNorm);
  const series = [control, removal].filter(({ steps }) => steps.length > 0);
  return smallChart("Gradient norm before clipping", recipe.steps, series);
}

/** As it is added to the loss; nothing where a recipe has none. */
export function auxiliaryChart({ plan: { recipe, sites }, steps }: ReportData): Html | undefined {
  const those = steps.filter(({ auxiliary }) => auxiliary !== undefined);
  if (those.length === 0) return undefined;
  const { control, removal } = byPhase(those, resultName(sites), ({ auxiliary = NaN }) => auxiliary);
  const series = [control, removal].filter(({ steps }) => steps.length > 0);
  return smallChart("Auxiliary loss, as it is added, nats", recipe.steps, series);
}

export function learningRateChart({ plan: { recipe, sites }, steps }: ReportData): Html {
  const { control, removal } = byPhase(steps, resultName(sites), ({ learningRate }) => learningRate);
  const rate = removal.steps.length > 0 ? removal : control;
  const title = control.steps.length > 0 ? "Learning rate, the same for both" : "Learning rate";
  return smallChart(title, recipe.steps, [{ ...rate, name: "learning rate", tone: "rate" }]);
}

function smallChart(title: string, steps: number, series: readonly Series[]): Html {
  const x = stepAxis(steps, 5);
  const { panel } = curves(x, series, 1, title, 9, [0]);
  const note = (from: number, to: number) =>
    html`<b>step ${to}</b>${series.map((one) => reading(one, valueIn(one, from, to), compact))}`;
  const parts: Plot = {
    label: title,
    x: x.ticks,
    xTitle: "step",
    panels: [panel],
    columns: columns(x, steps, note),
  };
  const keys = series.map(({ name, tone }) => html`<span class="key ${tone}">${name}</span>`);
  return html`<figure>
    ${plot(parts)}
    <figcaption>${keys}</figcaption>
  </figure>`;
}

/** A line of a note, where there is a value. */
function reading(
  { name, tone }: Series,
  value: number | undefined,
  format: (value: number) => string,
): Html | undefined {
  return value === undefined ? undefined : html`<span class="key ${tone}">${name} ${format(value)}</span>`;
}

/** One row of dots a kind of removal. */
function lanes(x: Axis, removals: ReportData["removals"]): Panel {
  const there = kindsIn(removals.map(({ removal }) => removal));
  const rows = there.map((kind, i) => ({ ...kind, at: ((i + 0.5) / there.length) * 100 }));
  const shapes = rows.map(({ at, tone, key }) => {
    const here = removals.filter(({ removal }) => kinds[kindOf(removal)].key === key);
    return dots(
      here.map(({ step }): Point => [x.at(step), at]),
      tone,
    );
  });
  return { title: "Removals", height: 1.2 * Math.max(2, rows.length), ticks: rows, shapes };
}

function curves(
  x: Axis,
  series: readonly Series[],
  span: number,
  title: string,
  height: number,
  shown: readonly number[] = [],
): { readonly panel: Panel; readonly outside: number } {
  const raw = series.flatMap(({ values }) => values);
  const smoothed = series.map(({ values }) => smooth(values, span));
  const domain = extent([...bulk(raw), ...smoothed.flat(), ...shown]);
  const y = linearAxis(domain, height > 10 ? 6 : 4);
  const points = ({ steps }: Series, values: readonly number[]) =>
    steps.map((step, i): Point => [x.at(step), y.at(values[i])]).filter(([, at]) => Number.isFinite(at));
  const base = shown.map((value) =>
    curve(
      [0, 100].map((at): Point => [at, y.at(value)]),
      "base",
    ),
  );
  const faint = series.map((one) => curve(points(one, one.values), `faint ${one.tone}`));
  const bold = series.map((one, i) => curve(points(one, smoothed[i]), `bold ${one.tone}`));
  return {
    panel: { title, height, ticks: y.ticks, shapes: [...base, ...(span > 1 ? faint : []), ...bold] },
    outside: raw.filter((value) => y.at(value) < 0 || y.at(value) > 100).length,
  };
}

function columns(x: Axis, steps: number, note: (from: number, to: number) => Html): Column[] {
  const width = Math.ceil(steps / mostColumns);
  return Array.from({ length: Math.ceil(steps / width) }, (_, i) => {
    const from = i * width + 1;
    const to = Math.min(steps, from + width - 1);
    return { from: x.at(from - 0.5), to: Math.min(100, x.at(to + 0.5)), note: note(from, to) };
  });
}

function lossNote(
  from: number,
  to: number,
  { control, removal, price }: Record<"control" | "removal" | "price", Series>,
  removals: ReportData["removals"],
): Html {
  const gone = removals.filter(({ step }) => step >= from && step <= to);
  return html`<b>step ${to}</b> ${[control, removal].map((one) => reading(one, valueIn(one, from, to), nats))}
    ${reading(price, valueIn(price, from, to), signed)}
    ${gone.map(
      ({ removal }) =>
        html`<span class="gone ${kinds[kindOf(removal)].tone}">removed: ${nameOf(removal)}</span>`,
    )}`;
}

/** The last value in a stretch of steps. */
function valueIn({ steps, values }: Series, from: number, to: number): number | undefined {
  const i = steps.findLastIndex((step) => step >= from && step <= to);
  return i < 0 ? undefined : values[i];
}

function byPhase(
  steps: readonly StepEvent[],
  result: string,
  figure: (step: StepEvent) => number,
): Record<Phase, Series> {
  const series = (phase: Phase, name: string): Series => {
    const here = steps.filter((step) => step.phase === phase);
    return { name, tone: phase, steps: here.map(({ step }) => step), values: here.map(figure) };
  };
  return { control: series("control", "control"), removal: series("removal", result) };
}

/** At the steps that both have: both saw the same batch there, so what batches differ by cancels out. */
function difference(a: Series, b: Series): Series {
  const other = new Map(b.steps.map((step, i) => [step, b.values[i]]));
  const pairs = a.steps.flatMap((step, i) => {
    const value = other.get(step);
    return value === undefined ? [] : [{ step, value: a.values[i] - value }];
  });
  return {
    name: "difference",
    tone: "price",
    steps: pairs.map(({ step }) => step),
    values: pairs.map(({ value }) => value),
  };
}
