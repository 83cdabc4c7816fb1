/** Loss and KL by position on the terminal: a line a range, a column a kind of rows. */
import {
  type CellFigures,
  type NotMeasured,
  type PositionFigures,
  type PositionRange,
  rangeName,
  rowKindNames,
} from "@normless/evaluate";
import type { Estimate } from "@normless/statistics";
import { thousands, withInterval } from "./format.js";
import type { Io } from "./io.js";
import { table } from "./table.js";

type Show = (value: number) => string;

/** One figure of all cells under `title`; nothing where no cell has it. */
export function positionTable(
  io: Io,
  title: string,
  { kinds }: PositionFigures,
  figure: (cell: CellFigures) => Estimate | undefined,
  show: Show,
): string {
  if (!kinds.some(({ all }) => figure(all))) return "";
  const cell = (of: CellFigures | undefined) => {
    const estimate = of && figure(of);
    return estimate ? withInterval(estimate, show) : "";
  };
  const row = (range: PositionRange) => [
    rangeName(range),
    ...kinds.map(({ ranges }) => cell(ranges.find((one) => one.range.begin === range.begin))),
  ];
  return table(
    io,
    [`${title} at position`, ...kinds.map(({ kind }) => rowKindNames[kind])],
    [
      ...rangesOf(kinds).map(row),
      ["all", ...kinds.map(({ all }) => cell(all))],
      [
        "rows",
        ...kinds.map(({ rows, available }) =>
          rows < available ? `${thousands(rows)} of ${thousands(available)}` : thousands(rows),
        ),
      ],
    ],
  );
}

/** The ranges that any kind has, in order. */
export function rangesOf(
  kinds: readonly { readonly ranges: readonly { readonly range: PositionRange }[] }[],
): PositionRange[] {
  const all = kinds.flatMap(({ ranges }) => ranges.map(({ range }) => range));
  return [...new Map(all.map((range) => [range.begin, range])).values()].sort((a, b) => a.begin - b.begin);
}

/** A line for all that was not measured for one reason. */
export function notMeasuredText(all: readonly NotMeasured[]): string[] {
  const reasons = new Map<string, NotMeasured[]>();
  for (const one of all) {
    const key = `${one.kind} ${one.figure} ${one.why}`;
    reasons.set(key, [...(reasons.get(key) ?? []), one]);
  }
  return [...reasons.values()].map((same) => {
    const [{ kind, figure, why }] = same;
    const ranges = same.flatMap(({ range }) => (range ? [rangeName(range)] : []));
    const what = [
      ...(figure === undefined ? [] : ["KL"]),
      ...(kind === undefined ? [] : [rowKindNames[kind]]),
      ...(ranges.length === 0 ? [] : [`position ${ranges.join(", ")}`]),
    ];
    return `not measured: ${what.join(", ")}: ${why}`;
  });
}
