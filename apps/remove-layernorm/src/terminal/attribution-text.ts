/** An attribution for the terminal. */
import type { AttributedPart, Attribution, AttributionError, PartKind } from "@normless/interpret";
import type { Estimate } from "@normless/statistics";
import type { Io } from "./io.js";
import { table } from "./table.js";

export interface AttributionData extends Attribution {
  readonly model: string;
  readonly prompt: string;
  /** In quotes: the token whose logit this is, and the last of the prompt, whose embedding is a part. */
  readonly tokenText: string;
  readonly lastText: string;
  /** Where the last token stands, from 0. */
  readonly position: number;
  /** Where a LayerNorm stands before the head, and there was a text to measure on. */
  readonly error?: AttributionError;
}

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
  const { parts, logit, probability, predicted, tokenText } = data;
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
  return [
    `${data.model}: the logit of ${bold(tokenText)} after ${JSON.stringify(data.prompt)}, ` +
      `${predicted ? "the likeliest" : "given"}, probability ${(100 * probability).toFixed(1)} %\n`,
    table(io, ["sum of", ...head], [...sums, row("the logit", logit, overMean)]),
    table(
      io,
      ["part, largest first", ...head],
      [...shown.map((part) => row(nameOf(part, data), part.logit, part.overMean)), ...rest],
    ),
    checkText(data),
  ].join("\n");
}

function checkText({ exact, relativeDifference, error }: AttributionData): string {
  const check = `The parts add up to all logits within ${relativeDifference.toExponential(1)} of the largest.\n`;
  if (exact) {
    return `${check}No LayerNorm stands before the head: each part is what leaving it out would take away, exactly.\n`;
  }
  const why =
    "A LayerNorm stands before the head: the parts are at the std of the whole, which leaving one out would change.\n";
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

function nameOf({ kind, name, layer, head, neuron }: AttributedPart, data: AttributionData): string {
  switch (kind) {
    case "token":
      return `token embedding of ${data.lastText}`;
    case "position":
      return `position embedding ${data.position}`;
    case "head":
      return `h.${layer} head ${head}`;
    case "mlp":
      return `h.${layer} MLP`;
    case "neuron":
      return `h.${layer} neuron ${neuron}`;
    case "bias":
      return layer === undefined
        ? "bias after the last norm"
        : `h.${layer} bias of ${name.includes("mlp") ? "MLP" : "attention"}`;
  }
}

function row(name: string, logit: number, overMean: number): string[] {
  return [name, signed(logit), signed(overMean)];
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}

function sumOf<X>(values: readonly X[], of: (value: X) => number): number {
  return values.reduce((sum, value) => sum + of(value), 0);
}
