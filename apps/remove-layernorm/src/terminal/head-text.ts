/** A head on a prompt, for the terminal. */
import { partName, targetName } from "../look-inside/attribution.js";
import { type HeadData, type HeadToken, largestPlaces } from "../look-inside/head.js";
import { percent } from "./format.js";
import type { Io } from "./io.js";
import { table } from "./table.js";

/** Keys and pairs and so on are shown as far as `top`. */
export function headText(io: Io, data: HeadData, top: number): string {
  const { model, prompt, layer, head, tokens, query, keys, scores, values, whole } = data;
  const at = (t: number) => `${t} ${tokens[t]}`;
  const ordered = [...keys].sort((a, b) => b.attention - a.attention).slice(0, top);
  const left = keys.length - ordered.length;
  const rest =
    left > 0
      ? [[`the other ${left}`, percent(1 - sumOf(ordered, ({ attention }) => attention)), "", ""]]
      : [];
  const name = targetName(data);
  return [
    `${model}: head ${layer}.${head} on ${JSON.stringify(prompt)}, the query ${at(query)}\n`,
    table(
      io,
      ["attends to", "attention", `adds to ${name}`, "writes most for"],
      [
        ...ordered.map(({ position, attention, logit, most }) => [
          ...[at(position), percent(attention), signed(logit), listed(most.slice(0, 3))],
        ]),
        ...rest,
      ],
    ),
    table(
      io,
      ["all keys", "tokens"],
      [
        ["writes most for", listed(whole.most)],
        ["and against", listed(whole.least)],
      ],
      2,
    ),
    table(
      io,
      [`QK: the score of ${at(scores.key)}`, "at the key", "score"],
      [
        ...largestPlaces(scores.pairs, top).map(([q, k]) => [
          ...[partName(scores.parts[q]), partName(scores.parts[k]), signed(scores.pairs[q][k])],
        ]),
        [`all ${scores.parts.length ** 2} pairs`, "", signed(scores.score)],
      ],
      2,
    ),
    table(
      io,
      [`OV: ${name}`, "what wrote it there", "adds"],
      [
        ...largestPlaces(values.logits, top).map(([key, part]) => [
          ...[at(key), partName(values.parts[part]), signed(values.logits[key][part])],
        ]),
        ["all keys and parts", "", signed(values.total)],
      ],
      2,
    ),
    exactText("The pairs add up to the score", scores) +
      exactText("Keys and parts add up to what the head adds", values),
  ].join("\n");
}

function exactText(
  what: string,
  { exact, offBy }: { readonly exact: boolean; readonly offBy: number },
): string {
  return exact
    ? `${what}, and a part is in it with exactly what leaving it out would change.\n`
    : `${what}; behind a LayerNorm parts are at the std of this text, off by ${percent(offBy)} of what leaving them out changes.\n`;
}

function listed(tokens: readonly HeadToken[]): string {
  return tokens.map(({ text, logit }) => `${text} ${signed(logit)}`).join("  ");
}

function sumOf<X>(values: readonly X[], of: (value: X) => number): number {
  return values.reduce((sum, value) => sum + of(value), 0);
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}
