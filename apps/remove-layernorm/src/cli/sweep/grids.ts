/** A sweep's tables, once for the terminal, for Markdown and for the page. */
import { difference, duration } from "../format.js";
import type { Spread } from "../../core/index.js";
import type { Figure, Group, RunFigures, SweepFigures } from "./figures.js";

export interface Grid {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** So many columns from the left are names; those after them are figures. */
  readonly names: number;
  readonly note: string;
}

export function sweepGrids(figures: SweepFigures): Grid[] {
  return [recipeGrid(figures), runGrid(figures)];
}

/** A line a recipe and model: means over the seeds. */
function recipeGrid({ groups, shown }: SweepFigures): Grid {
  return {
    title: "Recipes",
    head: ["model", "recipe", "seeds", ...shown.map(({ name }) => name)],
    rows: groups.map((group) => [
      group.model,
      group.recipe,
      seedsText(group),
      ...shown.map((figure) => spreadText(group.spreads[figure.key], figure)),
    ]),
    names: 3,
    note:
      "Nats a token: the mean over the seeds that came to their end, and the lowest to the highest of them. Worst spike: " +
      "the most that a batch's loss was above the control's on the same batch, or its KL from the original where there is " +
      "no control.",
  };
}

/** A line a run. */
function runGrid({ groups, shown }: SweepFigures): Grid {
  const row = (run: RunFigures) => [
    run.model,
    run.recipe,
    String(run.seed),
    run.state,
    ...shown.map((figure) => valueText(run.figures?.[figure.key], figure)),
    run.seconds === undefined ? "" : duration(run.seconds),
    run.folder,
  ];
  return {
    title: "Runs",
    head: ["model", "recipe", "seed", "state", ...shown.map(({ name }) => name), "time", "folder"],
    rows: groups.flatMap(({ runs }) => runs.map(row)),
    names: 4,
    note: failuresText(groups.flatMap(({ runs }) => runs)),
  };
}

/** `3`, or `2 of 3; 1338 diverged`. */
function seedsText({ runs }: Group): string {
  const others = runs.filter(({ state }) => state !== "finished");
  const finished = runs.length - others.length;
  if (others.length === 0) return String(finished);
  return `${finished} of ${runs.length}; ${others.map(({ seed, state }) => `${seed} ${state}`).join(", ")}`;
}

/** Why runs did not come to their end, a line each. */
function failuresText(runs: readonly RunFigures[]): string {
  return runs
    .flatMap(({ folder, state, error }) =>
      error === undefined ? [] : [`${folder} ${state}: ${error.split("\n")[0]}`],
    )
    .join("\n");
}

const show = (value: number, { isDifference }: Figure) =>
  isDifference ? difference(value) : value.toFixed(4);

function valueText(value: number | undefined, figure: Figure): string {
  return value === undefined ? "" : show(value, figure);
}

/** `+0.0114 (+0.0102 to +0.0131)` */
export function spreadText(spread: Spread | undefined, figure: Figure): string {
  if (!spread) return "";
  const { count, mean, low, high } = spread;
  const range = count > 1 ? ` (${show(low, figure)} to ${show(high, figure)})` : "";
  return `${show(mean, figure)}${range}`;
}

/** GitHub's tables. */
export function gridMarkdown({ title, head, rows, names, note }: Grid): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", String.raw`\|`)).join(" | ")} |\n`;
  const rule = line(head.map((_, i) => (i < names ? "---" : "---:")));
  const notes = note === "" ? "" : `\n${note.split("\n").join("\n\n")}\n`;
  return `## ${title}\n\n${line(head)}${rule}${rows.map(line).join("")}${notes}`;
}
