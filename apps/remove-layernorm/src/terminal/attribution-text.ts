/** An attribution for the terminal. */
import type { PartKind } from "@normless/interpret";
import type { Estimate } from "@normless/statistics";
import {
  type AttributionData,
  partName,
  type PromptsAttributionData,
  targetName,
} from "../look-inside/attribution.js";
import { percent as inPercent, withInterval } from "./format.js";
import type { Io } from "./io.js";
import { table } from "./table.js";

const KINDS: readonly (readonly [PartKind, string])[] = [
  ["token", "token embedding"],
  ["position", "position embedding"],
  ["head", "all heads"],
  ["mlp", "all MLPs"],
  ["bias", "all biases"],
];

/** The sums by kind, then the parts that add or take away most. */
export function attributionText(io: Io, data: AttributionData, top: number): string {
  const { bold } = io.colors;
  const { parts, logit, probability, predicted, versus } = data;
  const what = versus === undefined ? "logit" : "difference";
  const overMean = sumOf(parts, ({ overMean }) => overMean);
  const sums = KINDS.map(([kind, name]) => {
    const of = parts.filter((part) => part.kind === kind);
    return row(
      name,
      sumOf(of, ({ logit }) => logit),
      sumOf(of, ({ overMean }) => overMean),
    );
  });
  const ordered = [...parts].sort((a, b) => Math.abs(b.overMean) - Math.abs(a.overMean));
  const shown = ordered.slice(0, top);
  const left = ordered.slice(shown.length);
  const rest =
    left.length === 0
      ? []
      : [
          row(
            `the other ${left.length}`,
            sumOf(left, ({ logit }) => logit),
            sumOf(left, ({ overMean }) => overMean),
          ),
        ];
  const head = ["logit", "over the mean"];
  const after =
    JSON.stringify(data.prompt) + (data.position === data.last ? "" : `, position ${data.position}`);
  return [
    `${data.model}: the ${versus === undefined ? "logit of" : "difference of logits"} ${bold(targetName(data))} after ${after}, ` +
      `${predicted ? "the likeliest" : "given"}, probability ${(100 * probability).toFixed(1)} %\n`,
    table(io, ["sum of", ...head], [...sums, row(`the ${what}`, logit, overMean)]),
    table(
      io,
      ["part, largest first", ...head],
      [...shown.map((part) => row(partName(part, data), part.logit, part.overMean)), ...rest],
    ),
    ...overPositionsText(io, data),
    checkText(data),
  ].join("\n");
}

/** The sums by kind after every token. */
function overPositionsText(io: Io, { overPositions = [] }: AttributionData): string[] {
  if (overPositions.length === 0) return [];
  const rows = overPositions.map(({ position, text, parts, logit }) => [
    `${position} ${text}`,
    ...KINDS.map(([kind]) =>
      signed(
        sumOf(
          parts.filter((part) => part.kind === kind),
          ({ logit }) => logit,
        ),
      ),
    ),
    signed(logit),
  ]);
  return [table(io, ["after", ...KINDS.map(([, name]) => name), "all"], rows)];
}

/** The means over the prompts of a file: the largest parts, with intervals. */
export function promptsAttributionText(io: Io, data: PromptsAttributionData, top: number): string {
  const { model, file, prompts, logit, above, exact, offBy, parts } = data;
  const ordered = [...parts].sort((a, b) => Math.abs(b.logit.value) - Math.abs(a.logit.value));
  const shown = ordered.slice(0, top);
  const left = ordered.slice(shown.length);
  const rest =
    left.length === 0 ? [] : [[`the other ${left.length}`, signed(sumOf(left, ({ logit }) => logit.value))]];
  const rows = shown.map((part) => [partName(part), withInterval(part.logit, signed)]);
  return [
    `${model}: the logit of the right answer less that of the wrong one, mean of the ${prompts} prompts of ${file}; ` +
      `above 0 in ${inPercent(above)} of them\n`,
    table(
      io,
      ["part, largest first", "difference"],
      [...rows, ...rest, ["all", withInterval(logit, signed)]],
    ),
    exact
      ? "No LayerNorm stands before the head: each part is what leaving it out would take away, exactly.\n"
      : `A LayerNorm stands before the head: as direct effects the parts are off by ${percent(offBy)} of what leaving them out changes, in the mean.\n`,
  ].join("\n");
}

function checkText({ exact, relativeDifference, offBy, error }: AttributionData): string {
  const check = `The parts add up to all logits within ${relativeDifference.toExponential(1)} of the largest.\n`;
  if (exact) {
    return `${check}No LayerNorm stands before the head: each part is what leaving it out would take away, exactly.\n`;
  }
  const why =
    "A LayerNorm stands before the head: the parts are at the std of the whole, which leaving one out would change; " +
    `here they are off by ${percent(offBy)} of what it changes.\n`;
  if (!error) return `${check}${why}NMAE was not measured: give tokens with --data FILE\n`;
  const { sequences, blockSize, nmae, pooled, heads } = error;
  const flat = heads.flat();
  const over = flat.filter((ratio) => ratio > 1).length;
  return (
    `${check}${why}NMAE of the heads, |attributed − direct effect| over |direct effect|: ${share(nmae)}; ` +
    `pooled over heads ${share(pooled)}\n` +
    `(${sequences} sequences of ${blockSize} tokens, the last position of each; ` +
    `heads from ${percent(Math.min(...flat))} to ${percent(Math.max(...flat))}, ${over} of ${flat.length} over 100 %)\n`
  );
}

function share({ value, interval }: Estimate): string {
  return `${percent(value)}${interval ? ` [${percent(interval.low)}, ${percent(interval.high)}]` : ""}`;
}

const percent = (ratio: number): string => `${(100 * ratio).toFixed(2)} %`;

function row(name: string, logit: number, overMean: number): string[] {
  return [name, signed(logit), signed(overMean)];
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}

function sumOf<X>(values: readonly X[], of: (value: X) => number): number {
  return values.reduce((sum, value) => sum + of(value), 0);
}
