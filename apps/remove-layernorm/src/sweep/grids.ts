/** A sweep's tables, once for the terminal, for Markdown and for the page. */
import { difference, duration } from "../terminal/format.js";
import { rangeName, rowKindNames } from "@normless/evaluate";
import type { Spread } from "@normless/statistics";
import { rangesOf } from "../terminal/position-text.js";
import {
  type CellSpreads,
  type Figure,
  FIRST_POSITION,
  type Group,
  type RunFigures,
  type SweepFigures,
} from "./figures.js";

export interface Grid {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** So many columns from the left are names; those after them are figures. */
  readonly names: number;
  readonly note: string;
}

export interface SweepGrids {
  readonly recipes: Grid;
  readonly firstPosition: Grid;
  /** Too long for a terminal. */
  readonly positions: readonly Grid[];
  readonly runs: Grid;
}

export function sweepGrids(figures: SweepFigures): SweepGrids {
  return {
    recipes: recipeGrid(figures),
    firstPosition: firstPositionGrid(figures),
    positions: [
      positionGrid(figures, {
        title: "Cross-entropy over the original, by position",
        of: ({ toOriginal }) => toOriginal,
        unit: "difference",
        note:
          "In nats a token, of the LN-free model over the original's, by what a row starts with and by position. A recipe " +
          "with a control trains on the text, and so may get below the original; the control did, too.",
      }),
      positionGrid(figures, {
        title: "KL from the original, by position",
        of: ({ kl }) => kl,
        unit: "nats",
        note: "In nats a token. Of a recipe that trains on the text it has what any fine-tuning changes, too.",
      }),
    ],
    runs: runGrid(figures),
  };
}

/** A line a recipe, model and kind of rows: means over the seeds. */
function positionGrid(
  { groups }: SweepFigures,
  {
    title,
    of,
    unit,
    note,
  }: Pick<Grid, "title" | "note"> &
    Pick<Figure, "unit"> & { readonly of: (cell: CellSpreads) => Spread | undefined },
): Grid {
  const ranges = rangesOf(groups.flatMap(({ positions }) => positions));
  const cell = (spreads: CellSpreads | undefined) => spreadText(spreads && of(spreads), { unit });
  return {
    title,
    head: ["model", "recipe", "rows", ...ranges.map(rangeName), "all"],
    rows: groups.flatMap(({ model, recipe, positions }) =>
      positions.map((kind) => [
        model,
        recipe,
        rowKindNames[kind.kind],
        ...ranges.map(({ begin }) => cell(kind.ranges.find(({ range }) => range.begin === begin))),
        cell(kind.all),
      ]),
    ),
    names: 3,
    note,
  };
}

/** A line a recipe and model: how large the first position is, and how much attention it draws, before and after. */
function firstPositionGrid({ groups }: SweepFigures): Grid {
  return {
    title: "The first position",
    head: ["model", "recipe", ...FIRST_POSITION.map(({ name }) => name)],
    rows: groups.map(({ model, recipe, spreads }) => [
      model,
      recipe,
      ...FIRST_POSITION.map((figure) => spreadText(spreads[figure.key], figure)),
    ]),
    names: 2,
    note:
      "Std of first positions over that of ordinary tokens at the middle layers, and mean attention to the first " +
      "position in the later half of the layers: of the original, and of the model without LayerNorm.",
  };
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
      "Cross-entropy in nats a token: the mean over the seeds that came to their end, and the lowest to the highest of them. Worst spike: " +
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
  ];
  return {
    title: "Runs",
    head: ["model", "recipe", "seed", "state", ...shown.map(({ name }) => name), "time"],
    rows: groups.flatMap(({ runs }) => runs.map(row)),
    names: 4,
    note: ["Each run's folder is called after its model, its recipe and its seed.", ...failures(groups)].join(
      "\n",
    ),
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
function failures(groups: readonly Group[]): string[] {
  return groups
    .flatMap(({ runs }) => runs)
    .flatMap(({ folder, state, error }) =>
      error === undefined ? [] : [`${folder} ${state}: ${error.split("\n")[0]}`],
    );
}

function show(value: number, { unit }: Pick<Figure, "unit">): string {
  switch (unit) {
    case "difference":
      return difference(value);
    case "nats":
      return value.toFixed(value < 0.01 ? 4 : 3);
    case "spike":
      return String(Number(value.toPrecision(3)));
    case "times":
      return `×${Number(value.toPrecision(3))}`;
    case "share":
      return value.toFixed(2);
  }
}

function valueText(value: number | undefined, figure: Figure): string {
  return value === undefined ? "" : show(value, figure);
}

/** `+0.0114 (+0.0102 to +0.0131)` */
function spreadText(spread: Spread | undefined, figure: Pick<Figure, "unit">): string {
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
