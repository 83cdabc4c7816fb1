/** The page's charts, each from the rows of one suite; undefined where the run has none. */
import {
  isPeer,
  oursFor,
  type PeerName,
  type Results,
  type Row,
  rowsOf,
  showContender,
  unique,
} from "../results/results.js";
import { figure, gigabytes } from "../results/text.js";
import { type Bar, barChart, type BarGroup } from "./bars.js";
import {
  type Axis,
  curve,
  dots,
  extent,
  type Html,
  html,
  linearAxis,
  logAxis,
  plot,
  type Point,
} from "./kit.js";

const peerTones: Readonly<Record<PeerName, string>> = {
  "tfjs-wasm": "kind-1",
  "jax-js": "kind-2",
  onnxruntime: "kind-4",
  pytorch: "control",
};
const ourTones = ["removal", "kind-3", "kind-5", "kind-6"];

/** Ours by their order, paler with fewer than all threads; each peer its own. */
function toneOf({ engine, threads }: Row, rows: readonly Row[]): string {
  const peer = Object.entries(peerTones).find(([name]) => name === engine);
  if (peer) return peer[1];
  const ours = unique(rows.map((row) => row.engine).filter((name) => !isPeer(name)));
  const most = Math.max(...rows.filter((row) => row.engine === engine).map((row) => row.threads));
  return `${ourTones[ours.indexOf(engine) % ourTones.length]}${threads < most ? " half" : ""}`;
}

function groups(rows: readonly Row[], bar: (row: Row) => Pick<Bar, "value" | "text" | "aside">) {
  return unique(rows.map((row) => row.case)).map((name): BarGroup => {
    const mine = rows.filter((row) => row.case === name);
    return {
      title: name,
      about: mine[0].about,
      bars: mine.map((row) => ({ label: showContender(row), tone: toneOf(row, rows), ...bar(row) })),
    };
  });
}

/** `×2.4`: ours over this one, where this one is a peer's. */
function ourRatio(results: Results, row: Row): string | undefined {
  const ours = oursFor(results, row);
  return isPeer(row.engine) && ours ? `×${figure(ours.value / row.value)}` : undefined;
}

/** GFLOP/s of every product on one scale. */
export function productChart(results: Results): Html | undefined {
  const rows = rowsOf(results, "kernels");
  if (rows.length === 0) return undefined;
  const bar = (row: Row) => ({ value: row.value, text: figure(row.value), aside: ourRatio(results, row) });
  return html`${barChart(groups(rows, bar), Math.max(...rows.map(({ value }) => value)))}
    <p class="caption">GFLOP/s. Behind each peer, how many times its rate ours with all threads is.</p>`;
}

/** Tokens a second; every model on a scale of its own. */
export function stepChart(results: Results): Html | undefined {
  const rows = rowsOf(results, "steps");
  if (rows.length === 0) return undefined;
  const bar = (row: Row) => ({ value: row.value, text: figure(row.value), aside: ourRatio(results, row) });
  return html`${barChart(groups(rows, bar))}
    <p class="caption">
      Tokens a second of forward, backward, clip and AdamW; each model has a scale of its own. Behind each
      peer, how many times its rate ours is. What PyTorch took to compile is in no figure here.
    </p>`;
}

/** The most memory that each process held. */
export function memoryChart(results: Results): Html | undefined {
  const rows = rowsOf(results, "steps").filter(({ peakBytes }) => peakBytes !== undefined);
  if (rows.length === 0) return undefined;
  const bar = ({ peakBytes = 0 }: Row) => ({ value: peakBytes, text: gigabytes(peakBytes) });
  return html`${barChart(groups(rows, bar))}
    <p class="caption">
      Peak resident memory of a process that loads the model and trains, the language’s own included.
    </p>`;
}

const fromZero = (values: readonly number[]) => linearAxis([0, Math.max(...values)]);

/** By the channels the rate falls like a power, which is a straight line where both scales are logarithmic. */
const growth = [
  { name: "T", title: "with the sequence", axis: "positions, T", scale: fromZero },
  {
    name: "C",
    title: "with the channels (logarithmic)",
    axis: "channels, C",
    scale: (values: readonly number[]) => logAxis(extent(values)),
  },
  { name: "threads", title: "with the threads", axis: "threads", scale: fromZero },
] as const;

/** Three small plots. */
export function growthCharts(results: Results): Html | undefined {
  const rows = rowsOf(results, "scaling");
  if (rows.length === 0) return undefined;
  return html`<div class="row three small">
      ${growth.map(({ name, title, axis, scale }) => {
        const points = rows.filter((row) => row.case === name);
        return points.length > 0
          ? html`<figure>${growthPlot(points, { title, axis, scale })}</figure>`
          : undefined;
      })}
    </div>
    <p class="caption">Tokens a second of a training step. Point at a figure for its model.</p>`;
}

interface Growth {
  readonly title: string;
  readonly axis: string;
  readonly scale: (values: readonly number[]) => Axis;
}

function growthPlot(rows: readonly Row[], { title, axis, scale }: Growth): Html {
  const y = scale(rows.map(({ value }) => value));
  const width = 100 / rows.length;
  const points = rows.map(({ value }, i): Point => [(i + 0.5) * width, y.at(value)]);
  return plot({
    label: `Tokens a second ${title}`,
    panels: [
      { title, height: 11, ticks: y.ticks, shapes: [curve(points, "bold removal"), dots(points, "removal")] },
    ],
    // The sizes double from one to the next, so that even steps are a logarithmic scale.
    x: rows.map(({ x }, i) => ({ at: (i + 0.5) * width, label: String(x) })),
    xTitle: axis,
    columns: rows.map(({ about, value }, i) => ({
      from: i * width,
      to: (i + 1) * width,
      note: html`<b>${figure(value)} tokens/s</b><span>${about}</span>`,
    })),
  });
}
