/** A logit lens for the terminal: a table for each position. */
import { type LensData, residualName } from "../look-inside/lens.js";
import { percent } from "./format.js";
import type { Io } from "./io.js";
import { table } from "./table.js";

export function lensText(
  io: Io,
  { model, prompt, exact, positions, rows }: LensData,
  layers: number,
): string {
  const tables = positions.map(({ position, text, tokenText }, p) => {
    const lines = rows.map(({ at, offBy, cells }, r) => {
      const { top, logit, probability, rank } = cells[p];
      const before = rows.at(r - 1)?.cells[p].logit ?? 0;
      return [
        residualName(at, layers),
        top.map((one) => `${one.text} ${percent(one.probability)}`).join("  "),
        percent(probability),
        String(rank + 1),
        signed(logit),
        r === 0 ? "" : signed(logit - before),
        ...(exact ? [] : [Number.isNaN(offBy) ? "" : percent(offBy)]),
      ];
    });
    const head = [
      "residual",
      "likeliest",
      io.colors.bold(tokenText),
      "rank",
      "logit",
      "step",
      ...(exact ? [] : ["off by"]),
    ];
    return `after ${position} ${text}\n${table(io, head, lines, 2)}`;
  });
  const said = exact
    ? "No LayerNorm stands before the head: each step is exactly what was written into the logit in between.\n"
    : "A LayerNorm stands before the head and divides each residual by its own std: steps are no attributions. " +
      "Off by is how far the logits are from those at the std of the final residual, relative to the largest.\n";
  return `${model}: ${JSON.stringify(prompt)}\n\n${tables.join("\n")}\n${said}`;
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}
