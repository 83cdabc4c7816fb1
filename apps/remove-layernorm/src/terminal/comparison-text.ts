/** A comparison for the terminal. */
import { POSITION_CLASSES } from "@normless/tensor";
import type { Both, PairEstimate } from "@normless/evaluate";
import type { Estimate } from "@normless/statistics";
import type { ComparisonData, TextPassage } from "../compare/comparison-data.js";
import { difference, percent, percentagePoints as points, thousands } from "./format.js";
import type { Io } from "./io.js";
import { notMeasuredText, positionTable } from "./position-text.js";
import { table } from "./table.js";

export function comparisonText(io: Io, data: ComparisonData): string {
  const { models, tokens, sequences, blockSize } = data;
  const { bold } = io.colors;
  const of = `${thousands(tokens)} tokens of ${data.data.join(", ")}, in ${thousands(sequences)} sequences of ${blockSize}`;
  return [
    `${bold("A")}  ${models.a}\n${bold("B")}  ${models.b}\n${of}\n`,
    meansTable(io, data),
    betweenTable(io, data),
    ...positionTables(io, data),
    normsTable(io, data),
    attentionTable(io, data),
    `${bold("Where they differ most")} (the token with the highest divergence in brackets)\n`,
    ...data.passages.map((passage) => passageText(io, passage)),
  ].join("\n");
}

function meansTable(io: Io, data: ComparisonData): string {
  const row = (
    name: string,
    { a, b, difference: gap }: PairEstimate,
    show: (value: number) => string,
    showGap: (value: number) => string,
  ) => [name, show(a.value), show(b.value), showGap(gap.value), interval(gap, showGap)];
  const nats = (value: number) => value.toFixed(4);
  return table(
    io,
    ["", "A", "B", "B − A", "95 % interval"],
    [
      row("cross-entropy (nats/token)", data.loss, nats, difference),
      row("entropy (nats/token)", data.entropy, nats, difference),
      row("calibration error", data.calibrationError, nats, difference),
      row("attention to first position", data.firstAttention, percent, points),
      row("sink rate (over 30 % of it)", data.sinkRate, percent, points),
    ],
  );
}

function betweenTable(io: Io, { klAB, klBA, jsd, agreement }: ComparisonData): string {
  const row = (name: string, estimate: Estimate, show: (value: number) => string) => [
    name,
    show(estimate.value),
    interval(estimate, show),
  ];
  const nats = (value: number) => value.toFixed(5);
  return table(
    io,
    ["between A and B", "mean", "95 % interval"],
    [
      row("KL(A‖B) (nats/token)", klAB, nats),
      row("KL(B‖A) (nats/token)", klBA, nats),
      row("Jensen-Shannon divergence (nats, at most 0.693)", jsd, nats),
      row("same likeliest token", agreement, percent),
    ],
  );
}

/** By what a row starts with and by position. */
function positionTables(io: Io, { positions }: ComparisonData): string[] {
  if (!positions) return [];
  const missing = notMeasuredText(positions.b.notMeasured).map((line) => `${line}\n`);
  return [
    positionTable(io, "cross-entropy, B − A,", positions.b, ({ toFirst }) => toFirst, difference),
    positionTable(
      io,
      "KL(A‖B)",
      positions.b,
      ({ kl }) => kl,
      (value) => value.toFixed(4),
    ),
    ...(missing.length > 0 ? [missing.join("")] : []),
  ];
}

function interval({ interval }: Estimate, show: (value: number) => string): string {
  return interval ? `${show(interval.low)} to ${show(interval.high)}` : "—";
}

/** A module that one of two models of unequal depth does not have stands blank. */
function normsTable(io: Io, { norms: { a, b } }: ComparisonData): string {
  const modules = (a.length >= b.length ? a : b).map(({ module }) => module);
  const seen = POSITION_CLASSES.filter((name) => [...a, ...b].some(({ mean }) => name in mean));
  const cell = (of: typeof a, module: string, name: (typeof seen)[number]) =>
    of.find((one) => one.module === module)?.mean[name]?.toPrecision(4) ?? "";
  const titles = { first: "first", eot: "end-of-text", rest: "rest" };
  return table(
    io,
    ["residual norm at", ...seen.flatMap((name) => [`A ${titles[name]}`, `B ${titles[name]}`])],
    modules.map((module) => [
      module,
      ...seen.flatMap((name) => [cell(a, module, name), cell(b, module, name)]),
    ]),
  );
}

function attentionTable(io: Io, { attention }: ComparisonData): string {
  const layers = Math.max(attention.a.length, attention.b.length);
  const cell = (of: keyof Both<unknown>, layer: number, figure: "share" | "sinkRate") =>
    layer < attention[of].length ? percent(attention[of][layer][figure]) : "";
  return table(
    io,
    ["attention to first position", "A", "B", "A sink rate", "B sink rate"],
    Array.from({ length: layers }, (_, layer) => [
      `h.${layer}`,
      cell("a", layer, "share"),
      cell("b", layer, "share"),
      cell("a", layer, "sinkRate"),
      cell("b", layer, "sinkRate"),
    ]),
  );
}

function passageText(io: Io, { start, jsd, textBefore, tokens, words }: TextPassage): string {
  const { bold, dim } = io.colors;
  const far = tokens.reduce((best, { jsd }, i) => (jsd > tokens[best].jsd ? i : best), 0);
  const line = (text: string) => text.replace(/\s*\n\s*/g, " ⏎ ");
  const text = words.map(({ text }, i) => (i === far ? bold(`[${text}]`) : text)).join("");
  const { top, loss, jsd: highest } = tokens[far];
  const likes = (name: "a" | "b") => `${words[far].top[name]} ${percent(top[name].probability)}`;
  return (
    `token ${thousands(start)}: mean Jensen-Shannon divergence ${jsd.toFixed(4)} nats\n  ${dim(`…${line(textBefore)}`)}${line(text)}\n` +
    `  there: A expects ${likes("a")}, B ${likes("b")}; cross-entropy ${loss.a.toFixed(2)} and ${loss.b.toFixed(2)} ` +
    `nats, divergence ${highest.toFixed(3)}\n`
  );
}
