/** The looks on the way: KL from the original by position, and the std at every norm by class, over updates. */
import { POSITION_CLASSES, type PositionClass } from "@normless/tensor";
import type { Look, LookEvent } from "@normless/removal";
import { type PositionRange, rangeName, ROW_KINDS, type RowKind, rowKindNames } from "@normless/evaluate";
import { resultName } from "../../terminal/extent.js";
import type { ReportData } from "../data.js";
import { compact } from "../page/format.js";
import { type Html, html } from "../page/html.js";
import { type Column, curve, plot, type Point } from "./plot.js";
import { type Axis, extent, logAxis, stepAxis } from "./scales.js";

/** Nothing where a run took no look. */
export function lookSection(data: ReportData): Html | undefined {
  const looks = data.looks.filter(({ phase, kinds }) => phase === "removal" && kinds.length > 0);
  if (looks.length < 2) return undefined;
  const failed = data.looks.filter((look) => look.failed !== undefined);
  return html`${klOverUpdates(data, looks)} ${stdOverUpdates(data, looks)}
  ${failed.map(({ step, failed }) => html`<p class="caption">step ${step}: ${failed}</p>`)}`;
}

interface Line {
  readonly name: string;
  readonly tone: string;
  readonly points: readonly { readonly step: number; readonly value: number }[];
}

/** Lines over the run's updates, on a logarithmic axis that several plots share. */
function linesPlot(label: string, title: string, steps: number, y: Axis, lines: readonly Line[]): Html {
  const x = stepAxis(steps, 5);
  const at = [...new Set(lines.flatMap(({ points }) => points.map(({ step }) => step)))].sort(
    (a, b) => a - b,
  );
  const columns = at.map((step, i): Column => {
    const [before, after] = [at[i - 1] ?? step, at[i + 1] ?? step];
    const readings = lines.flatMap(({ name, tone, points }) => {
      const here = points.findLast((point) => point.step === step);
      return here ? [html`<span class="key ${tone}">${name} ${compact(here.value)}</span>`] : [];
    });
    return {
      from: x.at((before + step) / 2),
      to: x.at((step + after) / 2),
      note: html`<b>step ${step}</b>${readings}`,
    };
  });
  const shapes = lines.map(({ tone, points }) => {
    const drawn = points.filter(({ value }) => value > 0);
    return curve(
      drawn.map(({ step, value }): Point => [x.at(step), y.at(value)]),
      `bold ${tone}`,
    );
  });
  return html`<figure>
    ${plot({ label, x: x.ticks, xTitle: "step", panels: [{ title, height: 13, ticks: y.ticks, shapes }], columns })}
  </figure>`;
}

/** Colours by turns, and dashes by turns of another length, so that no two ranges are drawn alike. */
const rangeTone = (i: number): string =>
  [`kind-${(i % 6) + 1}`, ["", "dashed", "dotted"][i % 3]].filter((part) => part !== "").join(" ");

function klOverUpdates({ plan }: ReportData, looks: readonly LookEvent[]): Html | undefined {
  const kinds = kindsOf(looks);
  const lines = kinds.map(({ seen }) => {
    const ranges = rangesOf(seen.map(({ look }) => look));
    return ranges.map((range, i): Line => {
      const points = seen.flatMap(({ step, look }) => {
        const kl = look.ranges.find((one) => one.range.begin === range.begin)?.kl;
        return kl === undefined ? [] : [{ step, value: kl }];
      });
      return { name: rangeName(range), tone: rangeTone(i), points };
    });
  });
  const values = lines.flat().flatMap(({ points }) => points.map(({ value }) => value));
  const positive = values.filter((value) => value > 0);
  if (positive.length === 0) return undefined;
  const name = resultName(plan.sites);
  const y = logAxis(extent(positive));
  const longest = lines.toSorted((a, b) => b.length - a.length)[0];
  return html`<div class="row three">
      ${kinds.map(({ kind }, k) => {
        const title = `KL, ${rowKindNames[kind]}`;
        return linesPlot(
          `${title}: KL of ${name} from the original by position range, over updates`,
          title,
          plan.recipe.steps,
          y,
          lines[k],
        );
      })}
    </div>
    <p class="caption">
      ${longest.map(({ name, tone }) => html`<span class="key ${tone}">position ${name}</span>`)}
      KL(original‖${name}) in nats per token on ${looks[0].kinds[0].rows} rows of each kind, the same at every
      look; logarithmic scale.
    </p>`;
}

const classTitles: Readonly<Record<PositionClass, string>> = {
  first: "First position",
  eot: "End-of-text",
  rest: "All other tokens",
};

/** Colours of the norms: both of a block, and the last. */
const moduleTone = (module: string): string => {
  if (module.endsWith("ln_1")) return "kind-2";
  return module.endsWith("ln_2") ? "kind-1 dashed" : "kind-4 dotted";
};

/** Of plain windows, whose first position is what the constants are measured on. */
function stdOverUpdates({ plan }: ReportData, looks: readonly LookEvent[]): Html | undefined {
  const [kind] = kindsOf(looks);
  const steps = plan.recipe.steps;
  const classes = POSITION_CLASSES.map((name) => {
    const modules = Object.keys(kind.seen[0].look.stds);
    const lines = modules.map((module): Line => {
      const points = kind.seen.flatMap(({ step, look }) => {
        const value = look.stds[module]?.[name];
        return value === undefined ? [] : [{ step, value }];
      });
      return { name: module, tone: moduleTone(module), points };
    });
    return { name, lines: lines.filter(({ points }) => points.length > 0) };
  }).filter(({ lines }) => lines.length > 0);
  if (classes.length === 0) return undefined;
  const y = logAxis(
    extent(classes.flatMap(({ lines }) => lines.flatMap((line) => line.points.map((p) => p.value)))),
  );
  return html`<div class="row three">
      ${classes.map(({ name, lines }) => {
        const title = `std, ${classTitles[name].toLowerCase()}`;
        return linesPlot(
          `${title}, of the residual at every norm module, over updates`,
          title,
          steps,
          y,
          lines,
        );
      })}
    </div>
    <p class="caption">
      <span class="key kind-2">ln_1</span> <span class="key kind-1 dashed">ln_2</span>
      <span class="key kind-4 dotted">ln_f</span> Mean std of the residual that each norm module reads, a line
      a module, on ${rowKindNames[kind.kind]}; logarithmic scale. Point at a step to read them.
    </p>`;
}

interface KindLooks {
  readonly kind: RowKind;
  readonly seen: readonly { readonly step: number; readonly look: Look }[];
}

function kindsOf(looks: readonly LookEvent[]): KindLooks[] {
  return ROW_KINDS.map((kind) => ({
    kind,
    seen: looks.flatMap(({ step, kinds }) => {
      const look = kinds.find((one) => one.kind === kind);
      return look ? [{ step, look }] : [];
    }),
  })).filter(({ seen }) => seen.length > 0);
}

function rangesOf(looks: readonly Look[]): PositionRange[] {
  const all = looks.flatMap(({ ranges }) => ranges.map(({ range }) => range));
  return [...new Map(all.map((range) => [range.begin, range])).values()].sort((a, b) => a.begin - b.begin);
}
