/** Patches for the terminal: of each kind those that bring back or take away most. */
import { kindNames, type PatchData, type PatchedKind, patchName } from "../look-inside/patching.js";
import { percent } from "./format.js";
import type { Io } from "./io.js";
import { table } from "./table.js";

export function patchingText(io: Io, data: PatchData, top: number): string {
  const { model, prompts, answerText, wrongText, clean, corrupted, tokens, position, kinds } = data;
  const what = answerText === undefined ? "right − wrong answer" : `${answerText} − ${wrongText}`;
  const at = position === tokens.length - 1 ? "" : `, after ${position} ${tokens[position].clean}`;
  const lines = [
    `${model}: the difference of logits ${io.colors.bold(what)}${at}\n`,
    table(
      io,
      ["prompt", "difference", "normalised"],
      [
        [promptName(prompts, "clean"), signed(clean), "1.000"],
        [promptName(prompts, "corrupted"), signed(corrupted), "0.000"],
      ],
    ),
    ...kinds.map((kind) => kindText(io, data, kind, top)),
  ];
  return lines.join("\n");
}

function promptName(prompts: PatchData["prompts"], side: "clean" | "corrupted"): string {
  return "file" in prompts
    ? `${side}, mean of ${prompts.count} of ${prompts.file}`
    : `${side}: ${JSON.stringify(prompts[side])}`;
}

function kindText(io: Io, data: PatchData, kind: PatchedKind, top: number): string {
  const { values, normalised, attributed, error, linearises } = kind;
  const order = normalised.map((_, i) => i).sort((a, b) => Math.abs(normalised[b]) - Math.abs(normalised[a]));
  const rows = order
    .slice(0, top)
    .map((i) => [patchName(data, kind, i), signed(values[i]), signed(normalised[i]), signed(attributed[i])]);
  const left = order.length - rows.length;
  const rest = left > 0 ? [[`the other ${left}: less than that`, "", "", ""]] : [];
  return (
    table(
      io,
      [`${kindNames[kind.kind]}, largest first`, "difference", "normalised", "attribution patching"],
      [...rows, ...rest],
    ) +
    `Attribution patching, which takes ${linearises.join(", ")} as linear, is off by ${percent(error)} of what the patches change.\n`
  );
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}
